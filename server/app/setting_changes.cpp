#include "server/app/setting_changes.hpp"

#include <string_view>

#include "common/config/quoting.hpp"

namespace fairlead {
namespace {

constexpr const char* kThere = "there";
constexpr const char* kNotThere = "not there";

std::vector<SettingChange>& list_of(SettingChanges& changes, Reload reload) {
  switch (reload) {
    case Reload::live:
      return changes.at_once;
    case Reload::new_connections:
      return changes.new_connections;
    case Reload::restart:
      break;
  }
  return changes.restart;
}

void append_list(std::string& out, std::string_view heading,
                 const std::vector<SettingChange>& changes) {
  if (changes.empty()) return;
  out += std::string(heading) + ":\n";
  for (const SettingChange& change : changes) {
    out += "  " + change.key + ": " + change.before + " -> " + change.after + "\n";
  }
}

}  // namespace

SettingChanges changes_between(const Configuration& running, const Configuration& written) {
  SettingChanges changes;
  running.for_each_section([&](const std::string& section) {
    if (!written.has_section(section)) changes.at_once.push_back({section, kThere, kNotThere});
  });
  written.for_each_section([&](const std::string& section) {
    if (!running.has_section(section)) changes.at_once.push_back({section, kNotThere, kThere});
  });
  written.for_each_key([&](const std::string& section, const Key& key) {
    if (!running.has_section(section)) return;
    if (written.agrees_with(running, section, key.name)) {
      ++changes.unchanged;
      return;
    }
    list_of(changes, key.reload)
        .push_back({section + "." + std::string(key.name),
                    written_value(running.written(section, key.name)),
                    written_value(written.written(section, key.name))});
  });
  return changes;
}

std::string SettingChanges::text() const {
  std::string out;
  append_list(out, "in force for everybody at once", at_once);
  append_list(out, "in force for new connections", new_connections);
  append_list(out, "waiting for a restart", restart);
  return out + "unchanged: " + std::to_string(unchanged) + "\n";
}

}  // namespace fairlead
