#include "server/app/setting_changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/config/reader.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Configuration configured(const std::string& text) {
  ConfigInput input;
  FakeFiles files({{"f", text}});
  read_config_file(input, "f", files, {});
  Configuration configuration(input);
  EXPECT_THAT(configuration.errors(), IsEmpty());
  return configuration;
}

std::vector<std::string> told(const std::vector<SettingChange>& list) {
  std::vector<std::string> lines;
  for (const SettingChange& change : list)
    lines.push_back(change.key + ": " + change.before + " -> " + change.after);
  return lines;
}

TEST(SettingChanges, AreSortedByWhenTheyAreInForce) {
  const auto changes =
      changes_between(configured("[server]\nname = a\n[timeouts]\nidle = 10m\n"),
                      configured("[server]\nname = b\nthreads = 3\n[timeouts]\nidle = 5m\n"));
  EXPECT_THAT(told(changes.at_once), ElementsAre("timeouts.idle: 10m -> 5m"));
  EXPECT_THAT(told(changes.new_connections), ElementsAre("server.name: a -> b"));
  EXPECT_THAT(told(changes.restart), ElementsAre("server.threads: auto -> 3"));
  EXPECT_EQ(changes.text(),
            "in force for everybody at once:\n  timeouts.idle: 10m -> 5m\n"
            "in force for new connections:\n  server.name: a -> b\n"
            "waiting for a restart:\n  server.threads: auto -> 3\n"
            "unchanged: " +
                std::to_string(changes.unchanged) + "\n");
}

TEST(SettingChanges, TheSameValueInOtherWordsIsNone) {
  const auto changes = changes_between(configured("[timeouts]\nidle = 60s\n"),
                                       configured("[timeouts]\nidle = 1m\n"));
  EXPECT_THAT(told(changes.at_once), IsEmpty());
}

TEST(SettingChanges, ASectionThatComesOrGoesIsOne) {
  const auto changes =
      changes_between(configured("[service.a]\ntype = echo\n[service.c]\ntype = echo\n"),
                      configured("[service.b]\ntype = echo\n[service.c]\ntype = echo\n"));
  EXPECT_THAT(told(changes.at_once),
              ElementsAre("service.a: there -> not there", "service.b: not there -> there"));
  EXPECT_THAT(told(changes.new_connections), IsEmpty());
}

TEST(SettingChanges, WhatOnlyARestartChangesStaysWithWhatRuns) {
  Configuration written = configured("[server]\nthreads = 3\nname = b\n[log]\nrepeats = 7\n");
  const Configuration running = configured("[server]\nthreads = 2\nname = a\n");
  written.keep_until_restart(running);
  EXPECT_EQ(written.number("server", "threads"), 2U);
  EXPECT_EQ(written.number("log", "repeats"), 10U);
  EXPECT_EQ(written.text("server", "name"), "b");
}

}  // namespace
}  // namespace fairlead
