// What was written in a configuration, and where: the currency between the readers (files,
// environment, command line) and Configuration, which gives it meaning.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// Where a value comes from.
struct Origin {
  enum class Kind { fallback, file, environment, command_line };

  Kind kind = Kind::fallback;
  std::string name = {};    // file: its path; environment: the variable
  std::size_t line = 0;     // file: counted from 1; 0: the file as a whole
  std::size_t reading = 0;  // file: the how-manieth file that was read, to sort by

  // "fairleadd.conf:12", "environment FAIRLEAD_LIMITS__MAX_MESSAGE", "command line", "default".
  std::string text() const;
};

struct ConfigError {
  Origin origin;
  std::string key;  // "listener.main.bind"; empty: the line has none
  std::string what;

  std::string text() const;  // "origin: key: what", one line, safe on a terminal
};

// `[name]` as it stands in a file.
struct SectionHeader {
  std::string name;
  Origin origin;
};

// `key = value`, unquoted and with its variables filled in, not yet understood.
struct Assignment {
  std::string section;
  std::string key;
  std::string value;
  Origin origin;
};

// All that was written, a later assignment overriding an earlier one; and all that could not be
// read.
struct ConfigInput {
  std::vector<SectionHeader> sections;
  std::vector<Assignment> assignments;
  std::vector<ConfigError> errors;
};

// The variables of a process, by name.
using Environment = std::map<std::string, std::string, std::less<>>;

Environment process_environment();

// Adds what the variables FAIRLEAD_SECTION__KEY and FAIRLEAD_SECTION__NAME__KEY say. Variables that
// do not begin so, or have no "__" in them, are nobody's business here.
void add_environment(ConfigInput& input, const Environment& environment);

// "section.key=value" of --set; nothing when it is not of this form.
std::optional<Assignment> parse_setting(std::string_view text);

// The variable that overrides a key: FAIRLEAD_LISTENER__MAIN__BIND for "listener.main" and "bind".
std::string variable_of(std::string_view section, std::string_view key);

// [a-z][a-z0-9_]*, without "__" (which separates names in variables), at most 64 bytes.
bool is_config_name(std::string_view text) noexcept;

}  // namespace fairlead
