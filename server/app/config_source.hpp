// Where the configuration of this process comes from, so that it can be read again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/source.hpp"
#include "server/app/command_line.hpp"
#include "server/app/outcome.hpp"
#include "server/app/server_config.hpp"

namespace fairlead {

// The files of now, with the command line and the environment of the start. Immutable; any thread
// may call. Each call reads files and resolves the names of addresses, so it may wait.
class ConfigSource {
 public:
  explicit ConfigSource(CommandLine command_line);

  // What a start would make of it.
  Outcome<LoadedConfig> load() const { return load(command_line_); }
  // The same for another file in the place of -c.
  Outcome<LoadedConfig> load_file(const std::string& file) const;

  // What another process of the daemon, which listed its configuration so (-T), serves by. Nothing:
  // this version does not understand all of it. Resolves nothing.
  std::optional<ServerSettings> load_listing(const std::string& listing) const;

  // What a reload makes of it: see adapted_to().
  Outcome<LoadedConfig> adapt(const LoadedConfig& written, const Configuration& running,
                              const ServerSettings& settings) const;

 private:
  Outcome<LoadedConfig> load(const CommandLine& command_line) const;
  ConfigWorld world(ConfigFiles& files) const;

  const CommandLine command_line_;
  const Environment environment_;
  std::vector<std::string_view> service_types_;
};

}  // namespace fairlead
