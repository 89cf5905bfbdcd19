// The key table as Boost.Program_options holds it: one option per section that exists and key that
// it has, each with its default. Values are fed in by Configuration, which knows their lines;
// Boost's own file reader does not.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/config/key_table.hpp"

namespace fairlead {

struct OptionValue {
  std::string text;  // as it was written, or the default
  KeyValue value;
  bool is_default = true;
};

// Everything that is configured, by "section.key": `given` (whose keys exist and whose values are
// right) over the defaults. `sections` are names such as "listener.main".
std::map<std::string, OptionValue> fill_option_table(
    const std::vector<std::string>& sections, const std::map<std::string, std::string>& given);

}  // namespace fairlead
