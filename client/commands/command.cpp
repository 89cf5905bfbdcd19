#include "client/commands/command.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <system_error>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/prompt.hpp"
#include "common/base/build_info.hpp"
#include "common/base/descriptor.hpp"
#include "common/config/parsed.hpp"

namespace fairlead {
namespace {

constexpr std::array kCommands{
    Command{"send", "send a message and print the reply", send_help, run_send},
    Command{"term", "talk to a server, both ways at once", term_help, run_term},
    Command{"ping", "tell whether a server answers", ping_help, run_ping},
    Command{"get", "fetch files, whole and verified", get_help, run_get},
    Command{"ls", "list the files of a server", ls_help, run_ls},
    Command{"bench", "load a server, and judge what was measured", bench_help, run_bench_command},
};

constexpr std::string_view kAskForHelp = "`fairlead --help` lists the commands";

std::string overview() {
  std::string text =
      "Usage: fairlead COMMAND [OPTIONS] ...\n"
      "Talks to a Fairlead daemon, or to any other TCP server.\n\nCommands:\n";
  for (const Command& command : kCommands) {
    text += "  ";
    text += command.name;
    text.append(8 - command.name.size(), ' ');
    text += command.summary;
    text += '\n';
  }
  return text +
         "\n`fairlead help COMMAND` tells more. `fairlead --version` prints the version.\n"
         "An ADDRESS is host:port, [v6]:port, host (port 7878), :port (this machine) or "
         "unix:/path.\n";
}

const Command* command_named(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [name](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

const Command& known_command(const std::string& name) {
  if (const Command* command = command_named(name)) return *command;
  std::vector<std::string_view> names{"help"};
  for (const Command& command : kCommands) names.push_back(command.name);
  throw UsageError("there is no command \"" + name + "\"" + did_you_mean(name, names) + "; " +
                   std::string(kAskForHelp));
}

int print(std::string_view text) {
  Output out(1);
  out.write(text);
  if (out.error().empty()) return kExitOk;
  return report("stdout", {kExitCannotWrite, "cannot write: " + out.error()});
}

int dispatch(const Words& arguments) {
  if (arguments.empty()) throw UsageError("no command; " + std::string(kAskForHelp));
  const std::string& first = arguments.front();
  if (first == "--version" || first == "-V") return print(version_text("fairlead"));
  if (first == "--help" || first == "-h") return print(overview());
  if (first == "help") {
    return print(arguments.size() == 1 ? overview() : known_command(arguments[1]).help());
  }
  if (first.starts_with('-')) {
    throw UsageError("\"" + first + "\" stands before the command; " + std::string(kAskForHelp));
  }
  const Command& command = known_command(first);
  const auto wants_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
  const auto options_end = std::find(arguments.begin(), arguments.end(), "--");
  if (std::any_of(arguments.begin() + 1, options_end, wants_help)) {
    const bool compares = first == "bench" && arguments[1] == "compare";
    return print(compares ? bench_compare_help() : command.help());
  }
  return command.run({arguments.begin() + 1, arguments.end()}, adopt_locale());
}

}  // namespace

int run_fairlead(const Words& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error of write(2)
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a limit for the size of files
  try {
    return dispatch(arguments);
  } catch (const Interrupted&) {
    return kExitInterrupted;
  } catch (const UsageError& error) {
    return report("", {kExitUsage, error.what()});
  } catch (const std::system_error& error) {
    return report("", {lacks_descriptors(error.code()) ? kExitCannotConnect : kExitUnexpectedReply,
                       advised(error)});
  } catch (const std::exception& error) {  // out of memory, or a bug of ours
    return report("", {kExitUnexpectedReply, error.what()});
  }
}

}  // namespace fairlead
