// docs/configuration.md and --help against the key table. FAIRLEAD_UPDATE_DOCS=1 writes the tables
// of the page anew; the text around them is written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/config/key_table.hpp"
#include "common/config/source.hpp"
#include "common/config/units.hpp"
#include "source_dir.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

const std::string kPage = FAIRLEAD_SOURCE_DIR "/docs/configuration.md";
const std::string kBegin = "<!-- tables of the keys -->\n", kEnd = "<!-- end of the tables -->\n";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "listener.*" -> "listener.NAME"
std::string named(std::string_view section) {
  std::string name(section);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, "NAME");
  return name;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : "`" + std::string(text) + "`";
}

std::string type_of(const Key& key) {
  static const std::map<KeyType, std::string> kNames = {
      {KeyType::text, "text"},           {KeyType::message, "text with placeholders"},
      {KeyType::path, "path"},           {KeyType::flag, "yes or no"},
      {KeyType::choice, "word"},         {KeyType::count, "number"},
      {KeyType::rate, "rate"},           {KeyType::size, "size"},
      {KeyType::duration, "duration"},   {KeyType::mode, "octal mode"},
      {KeyType::name, "name"},           {KeyType::names, "names"},
      {KeyType::endpoints, "addresses"}, {KeyType::blocks, "address blocks"}};
  const bool has_unit = !key.unit.empty() && key.unit != "bytes";
  return kNames.at(key.type) + (has_unit ? ", " + std::string(key.unit) : "");
}

std::string words_of(const Key& key) {
  std::string words;
  for (const char c : key.words) words += c == '|' ? std::string(", ") : std::string(1, c);
  return words;
}

std::string from_to(const Key& key, std::string (*format)(std::uint64_t)) {
  const std::string words = words_of(key);
  return words + (words.empty() ? "" : ", ") + format(key.min) + " to " + format(key.max);
}

std::string range_of(const Key& key) {
  switch (key.type) {
    case KeyType::choice:
      return words_of(key);
    case KeyType::count:
    case KeyType::rate:
      return from_to(key, format_count);
    case KeyType::size:
      return from_to(key, format_size);
    case KeyType::duration:
      return from_to(key, [](std::uint64_t ms) {
        return format_duration(Duration(static_cast<std::int64_t>(ms)));
      });
    case KeyType::mode:
      return "0 to 0777";
    case KeyType::text:
    case KeyType::message:
    case KeyType::path:
      return (key.min == 0 ? "up to " : std::to_string(key.min) + " to ") + format_size(key.max) +
             (key.max < 1024 || key.max % 1024 != 0 ? " bytes" : "");
    case KeyType::names:
    case KeyType::endpoints:
    case KeyType::blocks:
      return std::to_string(key.min) + " to " + std::to_string(key.max) + " items";
    case KeyType::flag:
    case KeyType::name:
      break;
  }
  return {};
}

std::string tables() {
  std::string out;
  for (const auto& kind : section_kinds()) {
    out += "\n## [" + named(kind.name) + "]\n\n" + std::string(kind.help) + "\n\n";
    out += "| key | type | default | range | class | meaning | variable |\n";
    out += "| --- | --- | --- | --- | --- | --- | --- |\n";
    for (const Key* key : keys_of(kind))
      out += "| " + code(key->name) + " | " + type_of(*key) + " | " + code(key->fallback) + " | " +
             range_of(*key) + " | " + reload_letter(key->reload) + " | " + std::string(key->help) +
             " | " + code(variable_of(named(kind.name), key->name)) + " |\n";
  }
  out +=
      "\n## Removed keys\n\nA key that earlier versions had is an error in a file, in the "
      "environment and on the command line. The error says what\nto do.\n\n";
  out += "| key | error |\n| --- | --- |\n";
  for (const RemovedKey& key : removed_keys())
    out += "| " + code(std::string(key.section) + "." + std::string(key.name)) +
           " | has gone: " + std::string(key.advice) + " |\n";
  return out + "\n";
}

TEST(ConfigurationDocument, HasTheTablesOfTheKeys) {
  std::string page = file_text(kPage);
  const auto begin = page.find(kBegin), end = page.find(kEnd);
  ASSERT_NE(begin, page.npos);
  ASSERT_NE(end, page.npos);
  const std::string written = page.substr(begin + kBegin.size(), end - begin - kBegin.size());
  if (std::getenv("FAIRLEAD_UPDATE_DOCS") != nullptr) {
    page.replace(begin + kBegin.size(), written.size(), tables());
    std::ofstream(kPage, std::ios::binary) << page;
  } else {
    EXPECT_EQ(written, tables()) << "run this test with FAIRLEAD_UPDATE_DOCS=1";
  }
}

TEST(KeyHelp, ShowsEveryKeyWithinATerminal) {
  const auto help = key_help();
  for (const Key& key : all_keys())
    EXPECT_THAT(help, HasSubstr("  " + std::string(1, reload_letter(key.reload)) + " " +
                                std::string(key.name) + " = " + std::string(key.fallback)));
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 115U) << line;
}

}  // namespace
}  // namespace fairlead
