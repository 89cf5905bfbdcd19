#include "server/app/command_line.hpp"

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <sstream>

#include "common/config/key_table.hpp"
#include "common/config/parsed.hpp"
#include "common/config/source.hpp"
#include "common/net/endpoint.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

namespace po = boost::program_options;

constexpr unsigned kHelpColumns = 100;

using Words = std::vector<std::string>;

po::options_description options() {
  po::options_description result("Options", kHelpColumns);
  result.add_options()(
      "config,c", po::value<std::string>()->value_name("FILE"),
      "read this configuration; without it, /etc/fairlead/fairleadd.conf where that exists")(
      "listen", po::value<Words>()->value_name("ADDRESS"),
      "listen here instead of where the configuration says: host:port, [v6]:port, :port, "
      "unix:/path; may be repeated")(
      "port,p", po::value<std::string>()->value_name("PORT"),
      "the port of listener.main, or of the only listener; 0: the kernel chooses")(
      "set", po::value<Words>()->value_name("SECTION.KEY=VALUE"),
      "override one key of the configuration; may be repeated")(
      "test,t", "check the configuration and what it names, beside a daemon that runs, and end")(
      "print,T", "the same, and print every key with its value, class and origin")(
      "reload-check", po::value<std::string>()->value_name("FILE"),
      "say what a reload would change if FILE were in the place of the -c file, and end")(
      "doctor",
      "say whether this machine is fit for the configuration, one finding a line (ok, warn or "
      "bad), "
      "and end; exit status 1 when one is bad")(
      "version,V", "print the version and what the build is made of, and end; -v does the same")(
      "help,h", "print this and end");
  return result;
}

CommandLine::Action action_of(const po::variables_map& given) {
  if (given.contains("help")) return CommandLine::Action::help;
  if (given.contains("version")) return CommandLine::Action::version;
  if (given.contains("doctor")) return CommandLine::Action::doctor;
  if (given.contains("reload-check")) return CommandLine::Action::reload_check;
  if (given.contains("print")) return CommandLine::Action::print;
  if (given.contains("test")) return CommandLine::Action::test;
  return CommandLine::Action::run;
}

Words words_of(const po::variables_map& given, const char* option) {
  return given.contains(option) ? given[option].as<Words>() : Words();
}

tl::unexpected<Failure> refused(const std::string& what) {
  return failure(what + " (fairleadd -h shows the options)", kExitBadArguments);
}

Outcome<CommandLine> understood(const po::variables_map& given) {
  CommandLine result;
  result.action = action_of(given);
  if (given.contains("config")) result.config_file = given["config"].as<std::string>();
  if (given.contains("reload-check")) result.reload_file = given["reload-check"].as<std::string>();
  result.settings = words_of(given, "set");
  result.listen = words_of(given, "listen");

  for (const auto& setting : result.settings)
    if (!parse_setting(setting))
      return refused("--set " + shown(setting) + " is not SECTION.KEY=VALUE");
  for (const auto& address : result.listen)
    if (const auto parsed = parse_endpoint(address); !parsed)
      return refused("--listen " + shown(address) + ": " + parsed.error().what);
  if (given.contains("port")) {
    const auto& text = given["port"].as<std::string>();
    const auto parsed = parse_endpoint(":" + text);
    if (!parsed) return refused("-p " + shown(text) + " is not a port from 0 to 65535");
    result.port = parsed->port;
  }
  return result;
}

}  // namespace

Outcome<CommandLine> parse_command_line(std::vector<std::string> arguments) {
  std::ranges::replace(arguments, "-v", "-V");  // as nginx and others take it
  namespace style = po::command_line_style;
  // With guessing every new option could break a script that abbreviates an old one.
  constexpr int kStyle = style::unix_style & ~style::allow_guessing;
  try {
    const auto table = options();
    const po::positional_options_description no_positional;
    po::variables_map given;
    po::store(po::command_line_parser(arguments)
                  .options(table)
                  .positional(no_positional)
                  .style(kStyle)
                  .run(),
              given);
    return understood(given);
  } catch (const po::too_many_positional_options_error&) {
    return refused("an argument that is no option; a configuration is given with -c");
  } catch (const po::error& error) {
    return refused(escaped(error.what()));
  }
}

std::string help_text() {
  std::ostringstream out;
  out << "Usage: fairleadd [-c FILE] [options]\n"
         "Serves very many TCP clients at once. Stays in the foreground and logs to stderr; TERM "
         "and INT\n"
         "drain and end it, HUP makes it read its configuration again.\n\n"
      << options()
      << "\nExit status: 0 ok, 1 run-time failure, 2 bad arguments, 4 no permission, 6 invalid "
         "configuration.\n"
         "\nKeys of the configuration, each with its default. The class says when a changed value "
         "is\n"
         "in force behind a reload (HUP): L at once, N for new connections, R only behind a "
         "restart.\n\n"
      << key_help();
  return out.str();
}

}  // namespace fairlead
