#include "common/config/source.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(Source, TurnsVariablesIntoAssignments) {
  ConfigInput input;
  add_environment(
      input, {{"FAIRLEAD_LISTENER__MAIN__BIND", ":1"}, {"FAIRLEAD_LIMITS__MAX_MESSAGE", "2k"}});
  ASSERT_EQ(input.assignments.size(), 2U);
  EXPECT_EQ(input.assignments[0].section, "limits");
  EXPECT_EQ(input.assignments[0].key, "max_message");
  EXPECT_EQ(input.assignments[0].value, "2k");
  EXPECT_EQ(input.assignments[0].origin.text(), "environment FAIRLEAD_LIMITS__MAX_MESSAGE");
  EXPECT_EQ(input.assignments[1].section, "listener.main");
  EXPECT_EQ(input.assignments[1].key, "bind");
}

TEST(Source, IgnoresVariablesOfOthers) {
  ConfigInput input;
  add_environment(input, {{"FAIRLEAD_FILES", "/srv"},
                          {"FAIRLEAD_PORT_7878_TCP_ADDR", "x"},
                          {"OTHER__KEY", "x"},
                          {"FAIRLEADX__KEY", "x"},
                          {"FAIRLEAD", "x"}});
  EXPECT_TRUE(input.assignments.empty());
  EXPECT_TRUE(input.errors.empty());
}

TEST(Source, RefusesVariablesInLowerCase) {
  ConfigInput input;
  add_environment(input, {{"FAIRLEAD_limits__max_message", "2k"}});
  EXPECT_TRUE(input.assignments.empty());
  ASSERT_EQ(input.errors.size(), 1U);
  EXPECT_EQ(input.errors[0].text(),
            "environment FAIRLEAD_limits__max_message: the name must be in upper case");
}

TEST(Source, NamesTheVariableOfAKey) {
  EXPECT_EQ(variable_of("listener.main", "bind"), "FAIRLEAD_LISTENER__MAIN__BIND");
  EXPECT_EQ(variable_of("limits", "max_message"), "FAIRLEAD_LIMITS__MAX_MESSAGE");
}

TEST(Source, TakesSettingsApartAtTheFirstEqualsAndTheLastDotBeforeIt) {
  const auto setting = parse_setting("service.a.text=x=1.5");
  ASSERT_TRUE(setting);
  EXPECT_EQ(setting->section, "service.a");
  EXPECT_EQ(setting->key, "text");
  EXPECT_EQ(setting->value, "x=1.5");
  EXPECT_EQ(setting->origin.text(), "command line");
  EXPECT_EQ(parse_setting("log.file=")->value, "");
}

TEST(Source, RefusesSettingsOfAnotherForm) {
  for (const char* text : {"", "=", "a", "a.b", "a=b", "a=b.c", ".b=c", "a.=c"})
    EXPECT_FALSE(parse_setting(text)) << text;
}

TEST(Source, KnowsNames) {
  for (const char* text : {"a", "main", "a1", "a_b", "a_"})
    EXPECT_TRUE(is_config_name(text)) << text;
  for (const char* text : {"", "A", "1a", "_a", "a__b", "a-b", "a.b", "a b", "\xc3\xa9"})
    EXPECT_FALSE(is_config_name(text)) << text;
  EXPECT_TRUE(is_config_name(std::string(64, 'a')));
  EXPECT_FALSE(is_config_name(std::string(65, 'a')));
}

TEST(Source, ErrorsAreOneSafeLine) {
  const ConfigError error{
      {.kind = Origin::Kind::file, .name = "a\nb\x1b", .line = 3}, "log.file", "is wrong"};
  EXPECT_EQ(error.text(), R"(a\nb\x1b:3: log.file: is wrong)");
}

}  // namespace
}  // namespace fairlead
