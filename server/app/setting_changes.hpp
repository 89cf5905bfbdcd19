// What a reload does to each key: the difference of two configurations. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/config/configuration.hpp"

namespace fairlead {

struct SettingChange {
  std::string key;            // "timeouts.idle"; of a section that comes or goes "listener.x"
  std::string before, after;  // as they would be written; of a section whether it is there
};

// The four lists. A key of a section that comes or goes is in none of them: the section is.
struct SettingChanges {
  std::vector<SettingChange> at_once;          // in force for everybody
  std::vector<SettingChange> new_connections;  // for those that connect from now on
  std::vector<SettingChange> restart;          // waits: `before` is in force, `after` is written
  std::size_t unchanged = 0;                   // keys

  // For people: a line for each change, under a heading for each list that is not empty.
  std::string text() const;
};

SettingChanges changes_between(const Configuration& running, const Configuration& written);

}  // namespace fairlead
