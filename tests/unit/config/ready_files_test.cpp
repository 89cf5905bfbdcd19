// config/fairleadd.conf is documentation that can be run: this test holds it against the key table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "common/config/configuration.hpp"
#include "common/config/quoting.hpp"
#include "common/config/reader.hpp"
#include "source_dir.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

using testing::IsEmpty;

const std::string kFile = FAIRLEAD_SOURCE_DIR "/config/fairleadd.conf";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Entry {
  std::string section;
  std::string value;
  std::string comment;  // the lines right above it, joined
  bool is_active;
};

struct AssignmentLine {
  bool is_active;
  std::string key, value;
};

// `key = value` or `# key = value`; nothing for prose and everything else.
std::optional<AssignmentLine> assignment_of(std::string_view line) {
  const bool is_active = !line.starts_with("# ");
  if (!is_active) line.remove_prefix(2);
  const auto equals = line.find(" =");
  if (equals == std::string_view::npos || !is_config_name(line.substr(0, equals))) return {};
  return AssignmentLine{is_active, std::string(line.substr(0, equals)),
                        std::string(trimmed(line.substr(equals + 2)))};
}

// Every assignment by the kind of its section and its name.
std::multimap<std::string, Entry> entries_of(const std::string& text) {
  std::multimap<std::string, Entry> result;
  std::istringstream lines(text);
  std::string section, comment;
  for (std::string line; std::getline(lines, line);) {
    const auto assignment = assignment_of(line);
    if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1);
    if (assignment && assignment->key != "include") {
      const auto* kind = find_section_kind(section);
      result.emplace(std::string(kind->name) + " " + assignment->key,
                     Entry{section, assignment->value, comment, assignment->is_active});
    }
    const bool is_prose = line.starts_with("# ") && !assignment;
    comment = is_prose ? comment + (comment.empty() ? "" : " ") + line.substr(2) : "";
  }
  return result;
}

// The file with every commented key taken in.
std::string uncommented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto assignment = assignment_of(line);
    result += (assignment && !assignment->is_active ? line.substr(2) : line) + "\n";
  }
  return result;
}

// A listing without its origins.
std::string values_of(const std::string& listing) {
  std::string result;
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);)
    result += line.substr(0, line.rfind(" # ")) + "\n";
  return result;
}

Configuration configuration_of(const std::string& text) {
  FakeFiles files({{"f", text}});
  ConfigInput input;
  read_config_file(input, "f", files, {});
  return Configuration(input);
}

std::vector<std::string> errors(const Configuration& config) {
  std::vector<std::string> result;
  for (const auto& error : config.errors()) result.push_back(error.text());
  return result;
}

TEST(ReadyFile, DocumentsEveryKeyWithItsHelpAndDefault) {
  const auto entries = entries_of(file_text(kFile));
  for (const Key& key : all_keys()) {
    const std::string name = std::string(key.section) + " " + std::string(key.name);
    const auto [first, last] = entries.equal_range(name);
    const auto documented = std::find_if(
        first, last, [&](const auto& each) { return each.second.comment == explanation_of(key); });
    ASSERT_NE(documented, last) << name
                                << " is not there with its help above it: " << explanation_of(key);
    const auto& entry = documented->second;
    EXPECT_TRUE(entry.is_active || entry.value == key.fallback) << name << " = " << entry.value;
  }
}

TEST(ReadyFile, HoldsNoKeyThatDoesNotExist) {
  for (const auto& [name, entry] : entries_of(file_text(kFile)))
    EXPECT_NE(find_key(entry.section, name.substr(name.find(' ') + 1)), nullptr) << name;
}

TEST(ReadyFile, IsValidAndChangesNothingWhenItsCommentsAreTakenIn) {
  const auto text = file_text(kFile);
  const auto as_it_is = configuration_of(text);
  const auto whole = configuration_of(uncommented(text));
  EXPECT_THAT(errors(as_it_is), IsEmpty());
  EXPECT_THAT(errors(whole), IsEmpty());
  EXPECT_EQ(values_of(as_it_is.listing()), values_of(whole.listing()));
  EXPECT_NE(as_it_is.listing(), whole.listing());
}

TEST(ReadyFile, ReadsConfD) {
  FakeFiles files({{"etc/f", file_text(kFile)}, {"etc/conf.d/10.conf", "[server]\nname = mine\n"}});
  ConfigInput input;
  read_config_file(input, "etc/f", files, {});
  EXPECT_EQ(Configuration(input).text("server", "name"), "mine");
}

}  // namespace
}  // namespace fairlead
