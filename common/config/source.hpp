// Sections and assignments as they were written, each with its origin: what the readers (files,
// environment, command line) hand to Configuration.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// The place where a value was written.
struct Origin {
  enum class Kind { fallback, file, environment, command_line };

  Kind kind = Kind::fallback;
  std::string name = {};    // file: its path; environment: the variable
  std::size_t line = 0;     // file: counted from 1; 0: the file as a whole
  std::size_t reading = 0;  // file: its number in reading order, from 1

  // "fairleadd.conf:12", "environment FAIRLEAD_LIMITS__MAX_MESSAGE", "command line", "default".
  std::string text() const;
};

struct ConfigError {
  Origin origin;
  std::string key;  // "listener.main.bind", or empty
  std::string what;

  std::string text() const;  // "origin: key: what", one line, safe on a terminal
};

// `[name]` as it stands in a file.
struct SectionHeader {
  std::string name;
  Origin origin;
};

// `key = value`, unquoted and with its variables replaced; not yet checked.
struct Assignment {
  std::string section;
  std::string key;
  std::string value;
  Origin origin;
};

// Everything that was written, and every error of reading it. A later assignment overrides an
// earlier one. A warning keeps nobody from starting.
struct ConfigInput {
  std::vector<SectionHeader> sections;
  std::vector<Assignment> assignments;
  std::vector<ConfigError> errors, warnings;
};

// The variables of a process, by name.
using Environment = std::map<std::string, std::string, std::less<>>;

Environment process_environment();

// Adds the variables FAIRLEAD_SECTION__KEY and FAIRLEAD_SECTION__NAME__KEY. Variables with another
// prefix, or without "__", are ignored.
void add_environment(ConfigInput& input, const Environment& environment);

// Parses "section.key=value" of --set; nothing when it has another form.
std::optional<Assignment> parse_setting(std::string_view text);

// The variable that overrides a key: FAIRLEAD_LISTENER__MAIN__BIND for "listener.main" and "bind".
std::string variable_of(std::string_view section, std::string_view key);

// [a-z][a-z0-9_]*, without "__" (which separates names in variables), at most 64 bytes.
bool is_config_name(std::string_view text) noexcept;

}  // namespace fairlead
