// A configuration whose every key exists and whose every value has its type and range. What the
// values mean together is the business of whoever reads them (server/app/server_config), which
// reports what it finds here too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/key_table.hpp"
#include "common/config/source.hpp"

namespace fairlead {

class Configuration {
 public:
  // Checks each assignment on its own, then lets the later ones win over the earlier ones and over
  // the defaults. Errors of the input are taken over. A refused value leaves the key at what it
  // would be without it.
  explicit Configuration(const ConfigInput& input);

  // NAMEs of [stem.NAME], in the order of their first appearance.
  std::vector<std::string> names_of(std::string_view stem) const;

  // The section exists, the key is in the table and has the type asked for; else a bug of ours, and
  // abort.
  const std::string& text(std::string_view section, std::string_view key) const;
  const std::vector<std::string>& list(std::string_view section, std::string_view key) const;
  bool flag(std::string_view section, std::string_view key) const;
  // `otherwise` is for a word instead of a number, and for an empty value where that is the
  // default.
  std::uint64_t number(std::string_view section, std::string_view key,
                       std::uint64_t otherwise = 0) const;
  Duration duration(std::string_view section, std::string_view key, Duration otherwise = {}) const;

  // Where the value, or else the section, was written.
  Origin origin_of(std::string_view section, std::string_view key = {}) const;

  // Adds an error at the key's place, unless the key's own value was refused already: one mistake,
  // one line.
  void refuse(std::string_view section, std::string_view key, std::string what);
  void refuse(Origin origin, std::string what);

  // Sorted: files in reading order and line by line, then the environment, then the command line.
  std::vector<ConfigError> errors() const;

  // Every key with its value, origin and class, as a file that says the same (-T).
  std::string listing() const;

 private:
  struct Setting {
    const Key* key;
    std::string text;
    KeyValue value;
    Origin origin;
    bool refused = false;
  };
  struct Section {
    std::string name;
    Origin origin;
    std::vector<Setting> settings;  // in the table's order
  };

  void add_section(const std::string& name, const Origin& origin);
  bool check(const Assignment& assignment);
  void fill(const std::map<std::string, const Assignment*>& effective);
  const Section* find_section(std::string_view name) const noexcept;
  const Setting* find(std::string_view section, std::string_view key) const noexcept;
  const KeyValue& value(std::string_view section, std::string_view key) const;

  std::vector<Section> sections_;
  std::vector<ConfigError> errors_;
};

}  // namespace fairlead
