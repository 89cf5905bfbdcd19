#include "server/app/config_source.hpp"

#include <utility>

#include "common/config/files.hpp"
#include "common/config/reader.hpp"
#include "common/io/listening_socket.hpp"
#include "server/api/service_table.hpp"
#include "server/app/control_groups.hpp"
#include "server/app/listeners.hpp"

namespace fairlead {
namespace {

// Only the addresses of names show what is in each other's way.
Outcome<LoadedConfig> without_conflict(Outcome<LoadedConfig> loaded) {
  if (!loaded) return loaded;
  const std::string conflict = conflict_of_names(loaded->settings, addresses_of);
  if (!conflict.empty()) return failure(conflict, kExitInvalidConfiguration);
  return loaded;
}

// A file that is not on a disk.
class OneFile final : public ConfigFiles {
 public:
  explicit OneFile(std::string text) : text_(std::move(text)) {}

  FileText read(const std::string&) override { return {.text = text_}; }
  Result<std::vector<std::string>> matching(const std::string&, const std::string&) override {
    return {};
  }

 private:
  const std::string text_;
};

}  // namespace

ConfigSource::ConfigSource(CommandLine command_line)
    : command_line_(std::move(command_line)), environment_(process_environment()) {
  for (const ServiceType& type : service_types()) service_types_.push_back(type.name);
}

ConfigWorld ConfigSource::world(ConfigFiles& files) const {
  return {.files = files,
          .environment = environment_,
          .service_types = service_types_,
          .cores = usable_cores()};
}

Outcome<LoadedConfig> ConfigSource::load(const CommandLine& command_line) const {
  DiskFiles files;
  return without_conflict(load_server_config(command_line, world(files)));
}

Outcome<LoadedConfig> ConfigSource::load_file(const std::string& file) const {
  CommandLine other = command_line_;
  other.config_file = file;
  return load(other);
}

std::optional<ServerSettings> ConfigSource::load_listing(const std::string& listing) const {
  OneFile files(listing);
  ConfigInput input;
  read_config_file(input, "listing", files, {});
  Configuration config(input);
  ServerSettings settings = build_settings(config, service_types_, usable_cores());
  if (!config.errors().empty()) return std::nullopt;
  return settings;
}

Outcome<LoadedConfig> ConfigSource::adapt(const LoadedConfig& written, const Configuration& running,
                                          const ServerSettings& settings) const {
  DiskFiles files;
  return without_conflict(adapted_to(written, running, settings, world(files)));
}

}  // namespace fairlead
