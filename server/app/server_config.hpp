// From everything that was written to ServerSettings: files, environment and command line are
// merged by Configuration; here it is decided what they mean together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/configuration.hpp"
#include "common/config/files.hpp"
#include "common/config/source.hpp"
#include "common/log/log.hpp"
#include "server/app/command_line.hpp"
#include "server/app/outcome.hpp"
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
  ServerSettings settings;
  Configuration configuration;        // what the settings were made of
  std::vector<std::string> warnings;  // one line each
  std::string file;                   // from which it was read; empty: from none
};

// Without -c the default file is read where it exists. Where no listener is configured, --listen
// makes one. A failure has a line for every error; its exit status is kExitInvalidConfiguration, or
// kExitBadArguments for -p and --listen.
Outcome<LoadedConfig> load_server_config(const CommandLine& command_line, const ConfigWorld& world);

// What a reload makes of a configuration that is valid for a start: what only a restart can change
// is as in `running`, whose settings are `settings`. A failure is as above: what fits a start need
// not fit what runs.
Outcome<LoadedConfig> adapted_to(const LoadedConfig& written, const Configuration& running,
                                 const ServerSettings& settings, const ConfigWorld& world);

// The part of the log's options that is configured.
LogOptions log_options(const LogSettings& settings);

// What the keys of a configuration mean together: names are looked up, words become enumerators,
// `auto` is resolved. Reports what does not fit through config.add_error(); the settings are to be
// used only when there is no error. `cores` is what `threads = auto` means; 0 counts as 1.
ServerSettings build_settings(Configuration& config,
                              const std::vector<std::string_view>& service_types,
                              std::uint32_t cores);

}  // namespace fairlead
