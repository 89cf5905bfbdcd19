#include "server/app/server_config.hpp"

#include <algorithm>

#include "common/config/quoting.hpp"
#include "common/config/reader.hpp"
#include "server/app/settings_builder.hpp"

namespace fairlead {
namespace {

Origin command_line_origin() { return {.kind = Origin::Kind::command_line}; }

// -c, or the default file where it exists.
std::optional<std::string> config_file(const CommandLine& command_line, ConfigFiles& files) {
  if (command_line.config_file) return command_line.config_file;
  if (files.read(kDefaultConfigFile).is_missing) return {};
  return kDefaultConfigFile;
}

ConfigInput read_everything(const CommandLine& command_line, const std::optional<std::string>& file,
                            const ConfigWorld& world) {
  ConfigInput input;
  if (file) read_config_file(input, *file, world.files, world.environment);
  add_environment(input, world.environment);
  for (const auto& setting : command_line.settings)
    if (auto assignment = parse_setting(setting))
      input.assignments.push_back(std::move(*assignment));
  return input;
}

// The listener that the short options mean: main, or the only one; empty: there is none or more
// than one.
std::string meant_listener(const std::vector<std::string>& names) {
  if (std::ranges::count(names, "main") != 0) return "main";
  return names.size() == 1 ? names.front() : std::string();
}

// Both return what is wrong, for exit status 2; empty: done.
std::string apply_listen(ConfigInput& input, const Configuration& config,
                         const std::vector<std::string>& addresses) {
  const auto listeners = config.names_of("listener");
  const auto add = [&](const std::string& section, const char* key, const std::string& value) {
    input.assignments.push_back({section, key, value, command_line_origin()});
  };
  if (listeners.empty()) {
    add("listener.main", "service", "echo");
    if (std::ranges::count(config.names_of("service"), "echo") == 0)
      add("service.echo", "type", "echo");
  } else if (meant_listener(listeners).empty()) {
    return "--listen: which of the listeners? None is called main: " + joined(listeners);
  }
  const auto name = listeners.empty() ? std::string("main") : meant_listener(listeners);
  add("listener." + name, "bind", joined(addresses));
  return {};
}

std::string apply_port(ConfigInput& input, const Configuration& config, std::uint16_t port) {
  const auto listeners = config.names_of("listener");
  const auto name = meant_listener(listeners);
  if (name.empty() && listeners.empty()) return "-p: there is no listener to give the port to";
  if (name.empty()) return "-p: which of the listeners? None is called main: " + joined(listeners);

  const std::string section = "listener." + name;
  std::vector<std::string> bind = config.list(section, "bind");
  bool changed = false;
  for (auto& address : bind) {
    auto endpoint = parse_endpoint(address).endpoint;
    if (!endpoint) return {};  // the mistake in the configuration is the one to report
    if (endpoint->kind != Endpoint::Kind::tcp) continue;
    endpoint->port = port;
    address = endpoint->text();
    changed = true;
  }
  if (!changed) return "-p: " + section + ".bind has no TCP address";
  input.assignments.push_back({section, "bind", joined(bind), command_line_origin()});
  return {};
}

// The last words on a configuration without listeners.
void refuse_emptiness(Configuration& config, const std::optional<std::string>& file) {
  if (file) {
    config.add_error({.kind = Origin::Kind::file, .name = *file}, "no [listener.NAME] section");
  } else {
    config.add_error(command_line_origin(),
                     std::string("no configuration: give one with -c, write ") +
                         kDefaultConfigFile + ", or use --listen ADDRESS for an echo service");
  }
}

// Adds what --listen and -p say. Returns what is wrong with them, for exit status 2; empty:
// nothing.
std::string apply_short_options(ConfigInput& input, const CommandLine& command_line) {
  std::string error;
  if (!command_line.listen.empty())
    error = apply_listen(input, Configuration(input), command_line.listen);
  if (error.empty() && command_line.port)
    error = apply_port(input, Configuration(input), *command_line.port);
  return error;
}

}  // namespace

LoadedConfig load_server_config(const CommandLine& command_line, const ConfigWorld& world) {
  const auto file = config_file(command_line, world.files);
  auto input = read_everything(command_line, file, world);
  const auto bad_option = apply_short_options(input, command_line);
  Configuration config(input);
  // A listener whose section could not be read is not missing from the command line.
  if (!bad_option.empty() && config.errors().empty())
    return {.errors = {bad_option}, .exit_status = kExitBadArguments};

  auto settings = build_settings(config, world.service_types, world.cores);
  if (settings.listeners.empty() && config.errors().empty()) refuse_emptiness(config, file);
  LoadedConfig result;
  for (const auto& error : config.errors()) result.errors.push_back(error.text());
  if (!result.errors.empty()) {
    result.exit_status = kExitInvalidConfiguration;
    return result;
  }
  result.settings = std::move(settings);
  result.listing = config.listing();
  return result;
}

}  // namespace fairlead
