#include "common/config/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/config/reader.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigInput input_of(const std::string& text, const Environment& environment = {},
                     const std::vector<std::string>& settings = {}) {
  FakeFiles files({{"f", text},
                   {"early", "[limits]\nmax_per_ip = 1\n"},
                   {"late", "[limits]\nmax_per_ip = 3\n"}});
  ConfigInput input;
  read_config_file(input, "f", files, environment);
  add_environment(input, environment);
  for (const auto& setting : settings) input.assignments.push_back(parse_setting(setting).value());
  return input;
}

std::vector<std::string> errors(const Configuration& config) {
  std::vector<std::string> result;
  for (const auto& error : config.errors()) result.push_back(error.text());
  return result;
}

std::vector<std::string> errors_of(const std::string& text) {
  return errors(Configuration(input_of(text)));
}

TEST(Configuration, HasTheDefaultsWhenNothingIsSaid) {
  const Configuration config(ConfigInput{});
  EXPECT_THAT(errors(config), IsEmpty());
  EXPECT_EQ(config.text("server", "name"), "fairlead");
  EXPECT_EQ(config.number("limits", "queue_soft"), 256U * 1024);
  EXPECT_EQ(config.duration("timeouts", "idle"), std::chrono::minutes(10));
  EXPECT_TRUE(config.flag("socket", "nodelay"));
  EXPECT_EQ(config.number("server", "threads", 7), 7U);
  EXPECT_THAT(config.names_of("listener"), IsEmpty());
  EXPECT_EQ(config.origin_of("server", "name").text(), "default");
}

TEST(Configuration, ListsNamedSectionsInTheirOrder) {
  const Configuration config(
      input_of("[service.b]\n[listener.z]\n[service.a]\n[listener.y]\n[service.b]\n"));
  EXPECT_THAT(errors(config), IsEmpty());
  EXPECT_THAT(config.names_of("service"), ElementsAre("b", "a"));
  EXPECT_THAT(config.names_of("listener"), ElementsAre("z", "y"));
  EXPECT_EQ(config.text("service.b", "encode"), "match");
  EXPECT_EQ(config.origin_of("service.b", "encode").text(), "f:1");
}

// Every pair of neighbours in: command line > environment > later file > earlier file > default.
TEST(Configuration, LetsTheStrongerSourceWin) {
  const Environment environment{{"FAIRLEAD_LIMITS__MAX_PER_IP", "4"}};
  struct Row {
    const char* text;
    Environment environment;
    std::vector<std::string> settings;
    std::uint64_t value;
    const char* origin;
  };
  const Row rows[] = {
      {"", {}, {}, 0, "default"},
      {"include = early\n", {}, {}, 1, "early:2"},
      {"[limits]\nmax_per_ip = 2\n", {}, {}, 2, "f:2"},
      {"include = early\n[limits]\nmax_per_ip = 2\n", {}, {}, 2, "f:3"},
      {"[limits]\nmax_per_ip = 2\ninclude = late\n", {}, {}, 3, "late:2"},
      {"include = early\ninclude = late\n", {}, {}, 3, "late:2"},
      {"include = late\ninclude = early\n", {}, {}, 1, "early:2"},
      {"[limits]\nmax_per_ip = 2\n", environment, {}, 4, "environment FAIRLEAD_LIMITS__MAX_PER_IP"},
      {"", environment, {}, 4, "environment FAIRLEAD_LIMITS__MAX_PER_IP"},
      {"include = late\n", environment, {"limits.max_per_ip=5"}, 5, "command line"},
      {"", {}, {"limits.max_per_ip=5"}, 5, "command line"},
      {"", {}, {"limits.max_per_ip=5", "limits.max_per_ip=6"}, 6, "command line"},
  };
  for (const auto& row : rows) {
    const Configuration config(input_of(row.text, row.environment, row.settings));
    EXPECT_THAT(errors(config), IsEmpty());
    EXPECT_EQ(config.number("limits", "max_per_ip"), row.value) << row.text;
    EXPECT_EQ(config.origin_of("limits", "max_per_ip").text(), row.origin) << row.text;
  }
}

TEST(Configuration, OpensSectionsFromTheEnvironmentAndTheCommandLine) {
  const Configuration config(
      input_of("", {{"FAIRLEAD_LISTENER__MAIN__BIND", ":1"}}, {"service.echo.type=echo"}));
  EXPECT_THAT(errors(config), IsEmpty());
  EXPECT_THAT(config.names_of("listener"), ElementsAre("main"));
  EXPECT_THAT(config.names_of("service"), ElementsAre("echo"));
}

TEST(Configuration, RefusesUnknownKeysAndSaysWhatMayBeMeant) {
  EXPECT_THAT(errors_of("[limits]\nmax_mesage = 1\n"),
              ElementsAre(R"(f:2: limits.max_mesage: unknown key; did you mean "max_message"?)"));
  EXPECT_THAT(errors_of("[server]\nmax_message = 1\n"),
              ElementsAre("f:2: server.max_message: unknown key; it belongs into [limits]"));
  EXPECT_THAT(
      errors_of("[listener.main]\nclose_after = 1\n"),
      ElementsAre("f:2: listener.main.close_after: unknown key; it belongs into [service.NAME]"));
  EXPECT_THAT(
      errors_of("[listener.main]\ntls_certificate = x\n"),
      ElementsAre("f:2: listener.main.tls_certificate: unknown key; there is no TLS yet: put "
                  "a terminator in front (HAProxy, stunnel, nginx's stream)"));
  EXPECT_THAT(errors_of("[listener.main]\nproxy_protocol = v2\n"),
              ElementsAre(HasSubstr("the PROXY protocol is not understood yet")));
  EXPECT_THAT(errors_of("[listener.main]\nwhatever = x\n"),
              ElementsAre("f:2: listener.main.whatever: unknown key"));
  EXPECT_THAT(
      errors_of("incldue = x\n[server]\nincldue = y\n"),
      ElementsAre(R"(f:1: incldue: stands before the first [section]; did you mean "include"?)",
                  R"(f:3: server.incldue: unknown key; did you mean "include"?)"));
}

TEST(Configuration, SaysWhatToDoAboutARemovedKeyWhereverItIsSet) {
  const Configuration config(input_of("[limits]\nqueue_hard = 1MiB\n",
                                      {{"FAIRLEAD_LIMITS__QUEUE_SOFT_FOR", "10s"}},
                                      {"limits.slow_policy=drop_oldest"}));
  const std::string what = "has gone: no service pushes to clients; remove it";
  EXPECT_THAT(
      errors(config),
      ElementsAre("f:2: limits.queue_hard: " + what,
                  "environment FAIRLEAD_LIMITS__QUEUE_SOFT_FOR: limits.queue_soft_for: " + what,
                  "command line: limits.slow_policy: " + what));
}

TEST(Configuration, RefusesAnUnknownSectionOnceWithoutItsKeys) {
  EXPECT_THAT(errors_of("[listner.main]\nbind = 1\nfoo = 2\n[listner.main]\n[tokens]\nx = 1\n"),
              ElementsAre("f:1: unknown section [listner.main]; did you mean [listener.main]?",
                          "f:4: unknown section [listner.main]; did you mean [listener.main]?",
                          "f:5: unknown section [tokens]"));
  EXPECT_THAT(errors_of("[listener]\n[server.main]\n[limit]\n"),
              ElementsAre("f:1: [listener] needs a name, as in [listener.main]",
                          "f:2: [server.main] takes no name",
                          "f:3: unknown section [limit]; did you mean [limits]?"));
}

TEST(Configuration, RefusesUnknownVariablesAndSettingsLikeAnythingElse) {
  const Configuration config(input_of("",
                                      {{"FAIRLEAD_LIMITS__MAX_MESAGE", "1"},
                                       {"FAIRLEAD_TLS__KEY", "1"},
                                       {"FAIRLEAD_LISTENER__MAIN__BIND__X", "1"},
                                       {"FAIRLEAD_LISTNER__MAIN__BIND", "1"}},
                                      {"log.levle=info", "listener.Main.bind=:1"}));
  EXPECT_THAT(
      errors(config),
      testing::UnorderedElementsAre(
          R"(environment FAIRLEAD_LIMITS__MAX_MESAGE: limits.max_mesage: unknown key; did you mean "max_message"?)",
          "environment FAIRLEAD_TLS__KEY: tls.key: unknown section [tls]; there is no TLS yet: put "
          "a "
          "terminator in front (HAProxy, stunnel, nginx's stream)",
          "environment FAIRLEAD_LISTENER__MAIN__BIND__X: listener.main.bind.x: "
          "[listener.main.bind] needs a name of lower-case letters, digits and single _",
          "environment FAIRLEAD_LISTNER__MAIN__BIND: listner.main.bind: unknown section "
          "[listner.main]; did you mean [listener.main]?",
          R"(command line: log.levle: unknown key; did you mean "level"?)",
          "command line: listener.Main.bind: [listener.Main] needs a name of lower-case letters, "
          "digits and single _"));
}

// Kubernetes sets these for services that are called fairlead-blue--green and fairlead-log--new.
TEST(Configuration, IgnoresVariablesThatSomethingElseHasSet) {
  const Configuration config(input_of("",
                                      {{"FAIRLEAD_BLUE__GREEN_SERVICE_HOST", "10.0.0.1"},
                                       {"FAIRLEAD_BLUE__GREEN_PORT_7878_TCP_ADDR", "10.0.0.1"},
                                       {"FAIRLEAD_BLUE__GREEN_PORT", "tcp://10.0.0.1:7878"},
                                       {"FAIRLEAD_LOG__NEW_SERVICE_PORT_HTTP", "80"},
                                       {"FAIRLEAD_LAG__NEW_SERVICE_HOST", "10.0.0.1"},
                                       {"FAIRLEAD___X", "1"}},
                                      {}));
  EXPECT_THAT(errors(config), IsEmpty());
  EXPECT_EQ(config.warnings().size(), 6U);
  EXPECT_EQ(
      config.warnings().front().text(),
      "environment FAIRLEAD_BLUE__GREEN_PORT: blue.green_port: ignored: unknown section [blue]");
}

TEST(Configuration, ListsAllErrorsInTheOrderOfTheirLines) {
  const Configuration config(
      input_of("junk\n"
               "[limits]\n"
               "max_message = 17m\n"
               "queue_soft = \"1m\n"
               "[timeouts]\n"
               "idle = soon\n"
               "idel = 5\n"
               "write = 1s\n"
               "write = 2s\n",
               {{"FAIRLEAD_LOG__LEVEL", "loud"}}, {"socket.nodelay=perhaps"}));
  EXPECT_THAT(
      errors(config),
      ElementsAre(
          R"(f:1: "junk" is neither [section] nor key = value)",
          R"(f:3: limits.max_message: "17m" is above the largest allowed, 16777215)",
          "f:4: limits.queue_soft: the closing quote is missing",
          R"(f:6: timeouts.idle: "soon" is not a duration: write a number and ms, s, m, h or d, such as 30s)",
          R"(f:7: timeouts.idel: unknown key; did you mean "idle"?)",
          "f:9: timeouts.write: given twice, first in line 8",
          R"(environment FAIRLEAD_LOG__LEVEL: log.level: "loud" is none of debug, info, warn, error, off)",
          R"(command line: socket.nodelay: "perhaps" is neither yes nor no)"));
}

TEST(Configuration, SortsErrorsByReadingOrderOfTheFiles) {
  FakeFiles files({{"f", "[log]\ninclude = a\nbad = 1\n"}, {"a", "[log]\n\n\n\nbad = 1\n"}});
  ConfigInput input;
  read_config_file(input, "f", files, {});
  EXPECT_THAT(errors(Configuration(input)),
              ElementsAre("f:3: log.bad: unknown key", "a:5: log.bad: unknown key"));
}

TEST(Configuration, ChecksValuesThatAreOverriddenToo) {
  const Configuration config(input_of("[limits]\nmax_per_ip = x\n", {}, {"limits.max_per_ip=5"}));
  EXPECT_THAT(errors(config),
              ElementsAre(HasSubstr("f:2: limits.max_per_ip: \"x\" is not a number")));
}

TEST(Configuration, TakesErrorsOfItsReaderAtTheRightPlace) {
  Configuration config(input_of("[log]\nfile = a\nlevel = none_such\n[service.x]\n"));
  config.add_error("log", "file", "cannot be opened");
  config.add_error("log", "level", "a second error for one value");
  config.add_error("service.x", "type", "is missing");
  EXPECT_THAT(errors(config), ElementsAre("f:2: log.file: cannot be opened",
                                          HasSubstr("f:3: log.level: \"none_such\" is none of"),
                                          "f:4: service.x.type: is missing"));
}

TEST(Configuration, ShowsNoControlBytesOfTheEnvironmentOrTheCommandLine) {
  const Configuration config(input_of("", {{"FAIRLEAD_\x1b__\x1b", "\x1b"}},
                                      {"\x1b.\x1b=1", "listener.\x1b.bind=1", "log.level=\x1b"}));
  EXPECT_EQ(config.errors().size(), 3U);
  EXPECT_EQ(config.warnings().size(), 1U);
  for (const auto& lines : {config.errors(), config.warnings()})
    for (const auto& line : lines) EXPECT_EQ(line.text().find('\x1b'), std::string::npos);
}

// Whatever a file holds, there is an answer, and its errors are lines that can be shown.
TEST(Configuration, AnswersEveryText) {
  constexpr std::string_view kPieces[] = {"[server]",
                                          "[listener.a]",
                                          "[service.b]",
                                          "[",
                                          "]",
                                          "name = ",
                                          "threads=",
                                          "bind = ",
                                          "include = f",
                                          "text = ",
                                          "idle =",
                                          "\"",
                                          "\\",
                                          "\\x",
                                          "${",
                                          "${A:-",
                                          "}",
                                          " # ",
                                          "1.5s",
                                          "64KiB",
                                          ":1, :2",
                                          ",",
                                          "\n",
                                          "\r\n",
                                          "\xff",
                                          "好",
                                          "auto",
                                          "=",
                                          "99999999999999999999"};
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (auto left = random() % 60; left > 0; --left) {
      text += kPieces[random() % std::size(kPieces)];
      if (random() % 3 == 0) text += '\n';
      if (random() % 50 == 0) text += static_cast<char>(random());
    }
    const Configuration config(input_of(text));
    for (const auto& error : errors(config)) {
      ASSERT_TRUE(error.starts_with("f")) << "seed " << seed << ": " << error;
      ASSERT_EQ(error.find_first_of("\n\r\x1b"), std::string::npos) << "seed " << seed;
    }
    ASSERT_THAT(errors(Configuration(input_of(config.listing()))), IsEmpty()) << "seed " << seed;
  }
}

TEST(Configuration, PrintsEveryKeyWithOriginAndClass) {
  const Configuration config(
      input_of("[log]\nfile = \" a # b\"\n[service.x]\ntype = echo\n[listener.main]\n",
               {{"FAIRLEAD_LIMITS__MAX_PER_IP", "4"}}, {"timeouts.idle=1h"}));
  const auto listing = config.listing();
  EXPECT_THAT(listing,
              HasSubstr("[server]\nname = fairlead                                 # N default\n"));
  EXPECT_THAT(listing, HasSubstr("threads = auto                                  # R default\n"));
  EXPECT_THAT(listing, HasSubstr("file = \" a # b\"                                 # L f:2\n"));
  EXPECT_THAT(listing, HasSubstr("max_per_ip = 4                                  # L environment "
                                 "FAIRLEAD_LIMITS__MAX_PER_IP\n"));
  EXPECT_THAT(listing,
              HasSubstr("idle = 1h                                       # L command line\n"));
  EXPECT_THAT(
      listing,
      HasSubstr(
          "\n[listener.main]\nbind = 127.0.0.1:7878, [::1]:7878               # L default\n"));
  EXPECT_THAT(
      listing,
      HasSubstr("\n[service.x]\ntype = echo                                     # N f:4\n"));
}

TEST(Configuration, PrintsAFileThatSaysTheSame) {
  const Configuration config(
      input_of("[server]\nname = \"a\\n # \\x07\"\n[service.x]\n"
               "type = reply\ntext = \"{text}\\n\\xff \\${A} 好\"\n[listener.main]\nidle = 5\n"));
  ASSERT_THAT(errors(config), IsEmpty());
  const Configuration again(input_of(config.listing()));
  ASSERT_THAT(errors(again), IsEmpty());
  EXPECT_EQ(again.names_of("listener"), config.names_of("listener"));
  for (const std::string section : {"server", "limits", "timeouts", "socket", "log", "access"})
    for (const Key* key : keys_of(*find_section_kind(section)))
      EXPECT_EQ(again.origin_of(section, key->name).kind, Origin::Kind::file) << key->name;
  EXPECT_EQ(again.text("server", "name"), config.text("server", "name"));
  EXPECT_EQ(again.text("service.x", "text"), "{text}\n\xff ${A} 好");
  EXPECT_EQ(again.duration("listener.main", "idle"), std::chrono::seconds(5));
}

}  // namespace
}  // namespace fairlead
