// From everything that was written to ServerSettings: files, environment and command line are
// merged by Configuration; here it is decided what they mean together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/configuration.hpp"
#include "common/config/files.hpp"
#include "common/config/source.hpp"
#include "server/app/command_line.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

inline constexpr const char* kDefaultConfigFile = "/etc/fairlead/fairleadd.conf";

// What the configuration depends on beside the command line; a test passes its own.
struct ConfigWorld {
  ConfigFiles& files;
  const Environment& environment;
  std::vector<std::string_view> service_types;  // of service_types()
  std::uint32_t cores = 1;                      // what `threads = auto` means
};

struct LoadedConfig {
  std::optional<ServerSettings> settings = {};  // only without errors
  std::string listing = {};                     // what -T prints; only without errors
  std::vector<std::string> errors = {};         // lines for stderr
  int exit_status = 0;  // kExitInvalidConfiguration, or kExitBadArguments for -p and --listen
};

// Without -c the default file is read where it exists. Where no listener is configured, --listen
// makes one.
LoadedConfig load_server_config(const CommandLine& command_line, const ConfigWorld& world);

}  // namespace fairlead
