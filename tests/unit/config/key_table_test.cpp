#include "common/config/key_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "common/config/source.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

const Key& key(std::string_view section, std::string_view name) {
  const Key* found = find_key(section, name);
  if (found == nullptr) throw std::runtime_error("no key " + std::string(name));
  return *found;
}

std::string error(std::string_view section, std::string_view name, std::string_view text) {
  const auto parsed = parse_key_value(key(section, name), text);
  return parsed ? "" : parsed.error().what;
}

KeyValue value(std::string_view section, std::string_view name, std::string_view text) {
  auto parsed = parse_key_value(key(section, name), text);
  if (!parsed) throw std::runtime_error("refused: " + std::string(text));
  return std::move(*parsed);
}

TEST(KeyTable, HasProperRows) {
  std::set<std::string> seen;
  for (const Key& row : all_keys()) {
    const std::string path = std::string(row.section) + "." + std::string(row.name);
    EXPECT_TRUE(seen.insert(path).second) << path << " is there twice";
    EXPECT_TRUE(is_config_name(row.name)) << path;
    EXPECT_NE(row.name, "include") << "the reader takes that one";
    EXPECT_TRUE(parse_key_value(row, row.fallback)) << path << ": the default is refused";
    EXPECT_LE(row.min, row.max) << path;
    EXPECT_TRUE(row.help.ends_with('.') && row.help.size() < 250) << path;
    EXPECT_EQ(row.help.find('|'), std::string_view::npos)
        << path << ": ends a cell of the reference page";
    const std::string section(row.section);
    EXPECT_NE(find_section_kind(section.ends_with('*') ? section + "x" : section), nullptr) << path;
  }
  std::size_t listed = 0;
  for (const auto& kind : section_kinds()) listed += keys_of(kind).size();
  EXPECT_EQ(listed, all_keys().size());
}

TEST(KeyTable, HasProperRowsOfRemovedKeys) {
  EXPECT_FALSE(removed_keys().empty());
  for (const RemovedKey& row : removed_keys()) {
    EXPECT_EQ(find_key(row.section, row.name), nullptr) << row.name << " is a key";
    EXPECT_NE(find_section_kind(row.section), nullptr) << row.section;
    EXPECT_EQ(find_removed_key(row.section, row.name), &row) << row.name << " is there twice";
    EXPECT_FALSE(row.advice.empty() || row.advice.ends_with('.')) << row.name;
  }
  EXPECT_EQ(find_removed_key("limits", "queue_soft"), nullptr);
}

TEST(KeyTable, FindsSectionsByTheirKind) {
  EXPECT_EQ(find_section_kind("listener.main")->name, "listener.*");
  EXPECT_EQ(find_section_kind("server")->name, "server");
  for (const char* name : {"", "listener", "listener.", "listeners.a", "server.a", "tls"})
    EXPECT_EQ(find_section_kind(name), nullptr) << name;
  EXPECT_EQ(find_key("server", "bind"), nullptr);
}

// What belongs to features that are not there yet must be refused, not ignored.
TEST(KeyTable, KnowsNoKeyOfALaterFeature) {
  for (const char* name :
       {"tls", "tls_certificate", "proxy_from", "proxy", "tokens", "http", "nats"})
    for (const char* section : {"server", "listener.x", "service.x", "access"})
      EXPECT_EQ(find_key(section, name), nullptr) << section << "." << name;
}

TEST(KeyTable, GivesValuesTheirTypes) {
  EXPECT_EQ(value("server", "name", "x"), KeyValue(std::string("x")));
  EXPECT_EQ(value("server", "threads", "4"), KeyValue(std::uint64_t{4}));
  EXPECT_EQ(value("server", "threads", "auto"), KeyValue());
  EXPECT_EQ(value("limits", "max_message", "64k"), KeyValue(std::uint64_t{65536}));
  EXPECT_EQ(value("limits", "max_connections", "64k"), KeyValue(std::uint64_t{64000}));
  EXPECT_EQ(value("timeouts", "idle", "1m"), KeyValue(std::uint64_t{60'000}));
  EXPECT_EQ(value("socket", "user_timeout", "auto"), KeyValue());
  EXPECT_EQ(value("listener.x", "idle", ""), KeyValue());
  EXPECT_EQ(value("listener.x", "idle", "0"), KeyValue(std::uint64_t{0}));
  EXPECT_EQ(value("listener.x", "unix_mode", "0600"), KeyValue(std::uint64_t{0600}));
  EXPECT_EQ(value("socket", "nodelay", "off"), KeyValue(false));
  EXPECT_EQ(value("listener.x", "services", " a ,b "),
            KeyValue(std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(value("access", "allow", ""), KeyValue(std::vector<std::string>{}));
}

TEST(KeyTable, AcceptsTheEndsOfARangeAndNothingBeyond) {
  value("limits", "max_message", "16777215");
  EXPECT_EQ(error("limits", "max_message", "16MiB"),
            R"("16MiB" is above the largest allowed, 16777215)");
  EXPECT_EQ(error("limits", "max_message", "0"), R"("0" is below the smallest allowed, 1)");
  value("service.x", "chunk", "4");
  EXPECT_EQ(error("service.x", "chunk", "3"), R"("3" is below the smallest allowed, 4)");
  value("timeouts", "linger", "60s");
  EXPECT_EQ(error("timeouts", "linger", "61s"), R"("61s" is above the largest allowed, 1m)");
  value("server", "name", std::string(64, 'x'));
  EXPECT_EQ(error("server", "name", std::string(65, 'x')), "is longer than the 64 bytes allowed");
  EXPECT_EQ(error("server", "name", ""), "must not be empty");
  EXPECT_EQ(error("server", "threads", "0"), R"("0" is below the smallest allowed, 1)");
  EXPECT_EQ(error("limits", "ip_prefix_v4", "33"), R"("33" is above the largest allowed, 32)");
}

TEST(KeyTable, SaysWhatIsWrongWithAValue) {
  EXPECT_EQ(
      error("server", "threads", "many"),
      R"("many" is not a number: write digits, and k or m for thousands and millions, such as 10k, or auto)");
  EXPECT_EQ(
      error("socket", "user_timeout", "never"),
      R"("never" is not a duration: write a number and ms, s, m, h or d, such as 30s, or auto)");
  EXPECT_EQ(error("timeouts", "idle", ""),
            R"("" is not a duration: write a number and ms, s, m, h or d, such as 30s)");
  EXPECT_EQ(error("timeouts", "idle", "auto"),
            R"("auto" is not a duration: write a number and ms, s, m, h or d, such as 30s)");
  EXPECT_EQ(error("service.x", "boundary", "lines"),
            R"("lines" is none of line, chunk, auto; did you mean "line"?)");
  EXPECT_EQ(error("service.x", "decode", "ebcdic"),
            R"("ebcdic" is none of auto, utf-8, gbk, gb18030, latin1, binary)");
  EXPECT_EQ(error("service.x", "encode_tie", "match"),
            R"("match" is none of utf-8, gbk, gb18030, latin1, binary)");
  EXPECT_EQ(error("listener.x", "protocol", ""), R"("" is none of auto, text, len32, framed)");
  EXPECT_EQ(error("listener.x", "service", "A b"),
            R"("A b" is not a name: write lower-case letters, digits and single _)");
  EXPECT_EQ(error("listener.x", "services", "a, B"),
            R"("B" is not a name: write lower-case letters, digits and single _)");
  EXPECT_EQ(error("listener.x", "services", "a,,b"), R"(has an empty item: "a,,b")");
  EXPECT_EQ(error("listener.x", "bind", ""), "must not be empty");
  EXPECT_EQ(error("log", "file", std::string_view("a\0b", 3)), "a path cannot hold a NUL byte");
  EXPECT_EQ(error("socket", "nodelay", "2"), R"("2" is neither yes nor no)");
  EXPECT_EQ(error("listener.x", "unix_mode", "0888"),
            R"("0888" is not a file mode: write octal digits up to 0777, such as 0660)");
}

TEST(KeyTable, BoundsLists) {
  std::string names = "a0";
  for (int i = 1; i < 64; ++i) names += ",a" + std::to_string(i);
  value("listener.x", "services", names);
  EXPECT_EQ(error("listener.x", "services", names + ",a"), "has more than the 64 items allowed");
}

}  // namespace
}  // namespace fairlead
