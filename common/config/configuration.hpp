// A configuration in which every key exists and every value has its type and range. What the values
// mean together is checked by the code that reads them (server/app/settings_builder), which adds
// its errors here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/key_table.hpp"
#include "common/config/source.hpp"

namespace fairlead {

class Configuration {
 public:
  // Takes over the errors of the input. Each assignment is checked by itself; a later one wins over
  // an earlier one and over the default, and an invalid one changes nothing.
  explicit Configuration(const ConfigInput& input);

  // The names in [stem.NAME], in the order of their first appearance.
  std::vector<std::string> names_of(std::string_view stem) const;

  // The section must exist, and the key must be in the table with this type: anything else is a bug
  // and aborts.
  const std::string& text(std::string_view section, std::string_view key) const;
  const std::vector<std::string>& list(std::string_view section, std::string_view key) const;
  bool flag(std::string_view section, std::string_view key) const;
  // Returns `otherwise` for a word in place of a number, and for an empty value.
  std::uint64_t number(std::string_view section, std::string_view key,
                       std::uint64_t otherwise = 0) const;
  Duration duration(std::string_view section, std::string_view key, Duration otherwise = {}) const;

  // Where the value was written, or else the section.
  Origin origin_of(std::string_view section, std::string_view key = {}) const;

  // Whether the value is another than the default: a listing (-T) names the defaults of all.
  bool is_changed(std::string_view section, std::string_view key) const noexcept;

  // ---- A reload compares two configurations.

  bool has_section(std::string_view section) const noexcept {
    return find_section(section) != nullptr;
  }
  // The key must exist. As it was written, whatever it means.
  const std::string& written(std::string_view section, std::string_view key) const;
  // Whether both, which have this key, mean the same.
  bool agrees_with(const Configuration& other, std::string_view section,
                   std::string_view key) const;
  // Calls visit(const std::string& section, const Key&) for each, in the order of listing().
  template <class Visit>
  void for_each_key(Visit&& visit) const {
    for (const Section& section : sections_)
      for (const Setting& setting : section.settings) visit(section.name, *setting.key);
  }
  template <class Visit>
  void for_each_section(Visit&& visit) const {
    for (const Section& section : sections_) visit(section.name);
  }
  // Takes the value of each key that only a restart can change, as far as `running` has it.
  void keep_until_restart(const Configuration& running);

  // Adds an error where the key was written, unless its value has an error already: one line for
  // one mistake.
  void add_error(std::string_view section, std::string_view key, std::string what);
  void add_error(Origin origin, std::string what);

  // Sorted: files in reading order and line by line, then the environment, then the command line.
  std::vector<ConfigError> errors() const;
  std::vector<ConfigError> warnings() const;

  // Every key with its value, origin and class, as a file that means the same (-T).
  std::string listing() const;

 private:
  struct Setting {
    const Key* key;
    std::string text;
    KeyValue value;
    Origin origin;
    bool has_error = false;
  };
  struct Section {
    const SectionKind* kind;
    std::string name;
    Origin origin;
    std::vector<Setting> settings;  // in the table's order
  };

  bool is_of_others(const Assignment& assignment);
  Section& open_section(const std::string& name, const Origin& origin);
  void apply(const Assignment& assignment);
  const Section* find_section(std::string_view name) const noexcept;
  const Setting* find(std::string_view section, std::string_view key) const noexcept;
  const KeyValue& value(std::string_view section, std::string_view key) const;

  std::vector<Section> sections_;
  std::vector<ConfigError> errors_, warnings_;
};

}  // namespace fairlead
