#include "server/app/server_config.hpp"

#include <algorithm>

#include "common/config/quoting.hpp"
#include "common/config/reader.hpp"

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
  if (command_line.listen.empty() && !command_line.port) return {};
  const bool is_listen = !command_line.listen.empty();
  const Configuration config(input);
  auto listeners = config.names_of("listener");
  const auto add = [&](const std::string& section, const char* key, const std::string& value) {
    input.assignments.push_back({section, key, value, command_line_origin()});
  };
  if (listeners.empty() && is_listen) {
    listeners = {"main"};
    add("listener.main", "service", "echo");
    if (std::ranges::count(config.names_of("service"), "echo") == 0)
      add("service.echo", "type", "echo");
  }
  if (listeners.empty()) return "-p: there is no listener to give the port to";
  const auto name = meant_listener(listeners);
  if (name.empty())
    return std::string(is_listen ? "--listen" : "-p") +
           ": which of the listeners? None is called main: " + joined(listeners);

  const std::string section = "listener." + name;
  auto bind = is_listen ? command_line.listen : config.list(section, "bind");
  bool changed = !command_line.port;
  for (auto& address : bind) {
    if (!command_line.port) break;
    auto endpoint = parse_endpoint(address);
    if (!endpoint) return {};  // the mistake in the configuration is the one to report
    if (endpoint->kind != Endpoint::Kind::tcp) continue;
    endpoint->port = *command_line.port;
    address = endpoint->text();
    changed = true;
  }
  if (!changed) return "-p: " + section + ".bind has no TCP address";
  add(section, "bind", joined(bind));
  return {};
}

// What came of it, or every error.
Outcome<LoadedConfig> result_of(Configuration config, ServerSettings settings) {
  std::string errors;
  for (const auto& error : config.errors()) errors += error.text() + "\n";
  if (!errors.empty()) return failure(errors, kExitInvalidConfiguration);
  std::vector<std::string> warnings;
  for (const auto& warning : config.warnings()) warnings.push_back(warning.text());
  return LoadedConfig{std::move(settings), std::move(config), std::move(warnings), {}};
}

}  // namespace

Outcome<LoadedConfig> load_server_config(const CommandLine& command_line,
                                         const ConfigWorld& world) {
  const auto file = config_file(command_line, world.files);
  auto input = read_everything(command_line, file, world);
  const auto bad_option = apply_short_options(input, command_line);
  Configuration config(input);
  // A listener whose section could not be read is not missing from the command line.
  if (!bad_option.empty() && config.errors().empty()) return failure(bad_option, kExitBadArguments);

  auto settings = build_settings(config, world.service_types, world.cores);
  if (settings.listeners.empty() && config.errors().empty()) refuse_emptiness(config, file);
  Outcome<LoadedConfig> loaded = result_of(std::move(config), std::move(settings));
  if (loaded) loaded->file = file.value_or("");
  return loaded;
}

LogOptions log_options(const LogSettings& settings) {
  return {.level = level_named(settings.level).value_or(Level::info),
          .format = settings.json ? LogFormat::json : LogFormat::text,
          .file = settings.file,
          .session_file = settings.session_file,
          .repeats = settings.repeats};
}

Outcome<LoadedConfig> adapted_to(const LoadedConfig& written, const Configuration& running,
                                 const ServerSettings& settings, const ConfigWorld& world) {
  Configuration config = written.configuration;
  config.keep_until_restart(running);
  // `auto` may mean another number by now.
  ServerSettings adapted = build_settings(config, world.service_types, settings.threads);
  adapted.version = settings.version + 1;
  return result_of(std::move(config), std::move(adapted));
}

}  // namespace fairlead
