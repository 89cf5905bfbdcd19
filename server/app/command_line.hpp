// The command line of fairleadd as a value. Nothing here prints or exits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/app/outcome.hpp"

namespace fairlead {

struct CommandLine {
  enum class Action {
    run,
    test,          // -t: check everything, open what it names, and end
    print,         // -T: the same, and print every key
    reload_check,  // --reload-check: say what a reload would change, and end
    doctor,        // --doctor: say whether this machine is fit for the configuration
    version,
    help,
  };

  Action action = Action::run;
  std::string reload_file = {};                 // of reload_check
  std::optional<std::string> config_file = {};  // -c; none: see load_server_config()
  std::vector<std::string> settings = {};  // --set, in their order; each is `section.key=value`
  std::vector<std::string> listen = {};    // --listen, in their order; each is a valid address
  std::optional<std::uint16_t> port = {};  // -p; 0: the kernel chooses
};

// `arguments` come without the program's name. Of several actions the first of help, version,
// --doctor, --reload-check, -T and -t wins.
Outcome<CommandLine> parse_command_line(std::vector<std::string> arguments);

// What -h prints: the options, the exit statuses and every key of the configuration.
std::string help_text();

}  // namespace fairlead
