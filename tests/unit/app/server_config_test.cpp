#include "server/app/server_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

#include "source_dir.hpp"
#include "tests/unit/config/fake_files.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kEcho = "[service.echo]\ntype = echo\n";
const std::string kListener = "[listener.main]\nbind = 127.0.0.1:7878\nservice = echo\n";

struct Given {
  std::map<std::string, std::string> files = {};
  Environment environment = {};
  CommandLine command_line = {};
  std::uint32_t cores = 4;
};

// What came of it, and each line of the failure.
struct Loaded {
  std::optional<ServerSettings> settings = {};
  std::string listing = {};
  std::vector<std::string> errors = {};
  int exit_status = 0;
};

Loaded loaded_from(Outcome<LoadedConfig> outcome) {
  if (outcome) return {std::move(outcome->settings), outcome->configuration.listing()};
  Loaded refused{.exit_status = outcome.error().exit_status};
  std::istringstream lines(outcome.error().what);
  for (std::string line; std::getline(lines, line);) refused.errors.push_back(line);
  return refused;
}

Loaded load(const Given& given) {
  FakeFiles files(given.files);
  return loaded_from(load_server_config(
      given.command_line, {.files = files,
                           .environment = given.environment,
                           .service_types = {"discard", "echo", "file", "greet", "log", "reply"},
                           .cores = given.cores}));
}

Loaded load(const std::string& text, CommandLine command_line = {}, Environment environment = {}) {
  command_line.config_file = "f";
  return load(Given{.files = {{"f", text}},
                    .environment = std::move(environment),
                    .command_line = std::move(command_line)});
}

ServerSettings settings_of(const std::string& text) {
  auto loaded = load(text);
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.exit_status, 0);
  if (!loaded.settings) throw std::runtime_error("the configuration was refused");
  return std::move(*loaded.settings);
}

std::vector<std::string> errors_of(const std::string& text) {
  const auto loaded = load(text);
  EXPECT_FALSE(loaded.settings);
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
  return loaded.errors;
}

std::vector<AddressBlock> blocks(const std::vector<std::string>& texts) {
  std::vector<AddressBlock> result;
  for (const auto& text : texts) result.push_back(parse_address_block(text).value());
  return result;
}

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> result;
  for (const auto& endpoint : endpoints) result.push_back(endpoint.text());
  return result;
}

using S = const ServerSettings&;

const ServiceSettings& default_service_of(S settings, std::size_t listener) {
  return *settings.service_named(settings.listeners.at(listener)->default_service);
}

const ServiceSettings& one(S s) { return *s.services.at(0); }
const ServiceSettings& two(S s) { return *s.services.at(1); }
const ListenerSettings& listener(S s) { return *s.listeners.at(0); }

const std::string kBase =
    "[service.one]\ntype = reply\ntext = x\n[service.two]\ntype = file\n"
    "[listener.x]\nservice = one\n";

// A value of a key that is not its default, and the setting that it must make.
struct KeyMeaning {
  std::string key, value;
  bool (*holds)(S);
};

// clang-format off
const KeyMeaning kMeanings[] = {
  {"server.name", "lead", [](S s) { return s.name == "lead"; }},
  {"server.threads", "3", [](S s) { return s.threads == 3; }},
  {"server.accept", "reuseport", [](S s) { return s.accept == AcceptMode::reuseport; }},
  {"server.upgrade", "listeners", [](S s) { return s.upgrade == UpgradeMode::listeners; }},
  {"server.run_dir", "/run/lead", [](S s) { return s.run_dir == "/run/lead"; }},
  {"limits.max_connections", "10k", [](S s) { return s.limits.max_connections == 10'000; }},
  {"limits.max_per_ip", "11", [](S s) { return s.limits.max_per_ip == 11; }},
  {"limits.ip_prefix_v4", "24", [](S s) { return s.limits.ip_prefix_v4 == 24; }},
  {"limits.ip_prefix_v6", "56", [](S s) { return s.limits.ip_prefix_v6 == 56; }},
  {"limits.accept_rate", "12", [](S s) { return s.limits.accept_rate == 12; }},
  {"limits.accept_rate_per_ip", "13", [](S s) { return s.limits.accept_rate_per_ip == 13; }},
  {"limits.early_drop", "90", [](S s) { return s.limits.early_drop == 90; }},
  {"limits.max_message", "2MiB", [](S s) { return s.limits.max_message == 2 << 20; }},
  {"limits.queue_soft", "4k", [](S s) { return s.limits.queue_soft == 4096; }},
  {"limits.max_buffer_memory", "6m", [](S s) { return s.limits.max_buffer_memory == 6 << 20; }},
  {"limits.requests_per_turn", "7", [](S s) { return s.limits.requests_per_turn == 7; }},
  {"timeouts.idle", "1m", [](S s) { return s.timeouts.idle == 1min && !listener(s).idle; }},
  {"timeouts.first_byte", "2s", [](S s) { return s.timeouts.first_byte == 2s; }},
  {"timeouts.message", "3s", [](S s) { return s.timeouts.message == 3s; }},
  {"timeouts.write", "4s", [](S s) { return s.timeouts.write == 4s; }},
  {"timeouts.linger", "5s", [](S s) { return s.timeouts.linger == 5s; }},
  {"timeouts.drain", "6s", [](S s) { return s.timeouts.drain == 6s; }},
  {"timeouts.lame_duck", "7s", [](S s) { return s.timeouts.lame_duck == 7s; }},
  {"timeouts.upgrade", "9s", [](S s) { return s.timeouts.upgrade == 9s; }},
  {"timeouts.upgrade_drain", "3m", [](S s) { return s.timeouts.upgrade_drain == 3min; }},
  {"socket.backlog", "8", [](S s) { return s.socket.backlog == 8; }},
  {"socket.reuse_address", "no", [](S s) { return !s.socket.reuse_address; }},
  {"socket.nodelay", "off", [](S s) { return !s.socket.nodelay; }},
  {"socket.keepalive", "9s", [](S s) { return s.socket.keepalive == 9s; }},
  {"socket.user_timeout", "10s", [](S s) { return s.socket.user_timeout == 10s; }},
  {"socket.notsent_lowat", "11k", [](S s) { return s.socket.notsent_lowat == 11 << 10; }},
  {"socket.send_buffer", "12k", [](S s) { return s.socket.send_buffer == 12 << 10; }},
  {"socket.receive_buffer", "13k", [](S s) { return s.socket.receive_buffer == 13 << 10; }},
  {"log.level", "debug", [](S s) { return s.log.level == "debug"; }},
  {"log.format", "json", [](S s) { return s.log.json; }},
  {"log.file", "/log/a", [](S s) { return s.log.file == "/log/a"; }},
  {"log.session_file", "/log/b", [](S s) { return s.log.session_file == "/log/b"; }},
  {"log.repeats", "5", [](S s) { return s.log.repeats == 5; }},
  {"log.empty_sessions", "no", [](S s) { return !s.log.empty_sessions; }},
  {"log.peer", "prefix", [](S s) { return s.log.peer == PeerDetail::prefix; }},
  {"access.allow", "10.0.0.0/8, 192.0.2.7", [](S s) { return s.access.allow == blocks({"10.0.0.0/8", "192.0.2.7"}); }},
  {"access.deny", "::/0", [](S s) { return s.access.deny == blocks({"::/0"}); }},
  {"service.two.type", "echo", [](S s) { return two(s).type == "echo"; }},
  {"service.one.greeting", "hi {word}", [](S s) { return one(s).greeting == "hi {word}"; }},
  {"service.one.decode", "gbk", [](S s) { return one(s).encoding.decode == Encoding::gbk; }},
  {"service.one.encode", "gb18030", [](S s) { return one(s).encoding.encode == Encoding::gb18030; }},
  {"service.one.encode", "binary", [](S s) { return one(s).encoding.encode == Encoding::binary; }},
  {"service.one.encode_tie", "latin1", [](S s) { return one(s).encoding.encode_tie == Encoding::latin1; }},
  {"service.one.boundary", "line", [](S s) { return one(s).text_rules.boundary == Boundary::line; }},
  {"service.one.boundary", "chunk", [](S s) { return one(s).text_rules.boundary == Boundary::chunk; }},
  {"service.one.chunk", "2k", [](S s) { return one(s).text_rules.chunk == 2048; }},
  {"service.one.pause", "30ms", [](S s) { return one(s).text_rules.pause == 30ms; }},
  {"service.one.text", "{text} {len}", [](S s) { return one(s).text == "{text} {len}"; }},
  {"service.one.close_after", "4", [](S s) { return one(s).close_after == 4; }},
  {"service.one.on_connect", "a {peer}", [](S s) { return one(s).transcript.on_connect == "a {peer}"; }},
  {"service.one.on_message", "b {ip}", [](S s) { return one(s).transcript.on_message == "b {ip}"; }},
  {"service.one.on_close", "c {id}", [](S s) { return one(s).transcript.on_close == "c {id}"; }},
  {"service.two.on_missing", "d", [](S s) { return two(s).transcript.on_missing == "d"; }},
  {"service.two.root", "/srv", [](S s) { return two(s).file.root == "/srv"; }},
  {"service.two.max_rate", "1k", [](S s) { return two(s).file.max_rate == 1000; }},
  {"service.two.max_downloads", "5", [](S s) { return two(s).file.max_downloads == 5; }},
  {"service.two.symlinks", "yes", [](S s) { return two(s).file.symlinks; }},
  {"service.two.hidden", "yes", [](S s) { return two(s).file.hidden; }},
  {"listener.x.bind", "unix:/run/x, :0", [](S s) { return texts(listener(s).bind) == std::vector<std::string>{"unix:/run/x", ":0"}; }},
  {"listener.x.protocol", "text", [](S s) { return listener(s).protocol == ListenerProtocol::text; }},
  {"listener.x.protocol", "len32", [](S s) { return listener(s).protocol == ListenerProtocol::len32; }},
  {"listener.x.protocol", "framed", [](S s) { return listener(s).protocol == ListenerProtocol::framed; }},
  {"listener.x.service", "two", [](S s) { return listener(s).default_service == "two"; }},
  {"listener.x.services", "two, one", [](S s) { return listener(s).offered_services == std::vector<std::string>{"two", "one"}; }},
  {"listener.x.idle", "0", [](S s) { return listener(s).idle == 0s; }},
  {"listener.x.greet_wait", "1s", [](S s) { return listener(s).greet_wait == 1s; }},
  {"listener.x.max_connections", "14", [](S s) { return listener(s).max_connections == 14; }},
  {"listener.x.max_message", "15", [](S s) { return listener(s).max_message == 15; }},
  {"listener.x.allow", "10.0.0.0/8", [](S s) { return listener(s).access.allow == blocks({"10.0.0.0/8"}); }},
  {"listener.x.deny", "0.0.0.0/0", [](S s) { return listener(s).access.deny == blocks({"0.0.0.0/0"}); }},
  {"listener.x.unix_mode", "0600", [](S s) { return listener(s).unix_mode == 0600; }},
};
// clang-format on

TEST(ServerConfig, GivesEveryKeyItsMeaning) {
  const auto defaults = settings_of(kBase);
  for (const auto& [key, value, holds] : kMeanings) {
    SCOPED_TRACE(key + "=" + value);
    EXPECT_FALSE(holds(defaults)) << "the value is the default";
    const auto loaded = load(kBase, {.settings = {key + "=" + value}});
    EXPECT_THAT(loaded.errors, IsEmpty());
    EXPECT_TRUE(loaded.settings && holds(*loaded.settings));
  }
}

TEST(ServerConfig, IsTestedWithEveryKey) {
  for (const Key& key : all_keys()) {
    std::string path = std::string(key.section) + "." + std::string(key.name);
    const bool is_for_files = service_type_of(key) == "file" || key.name == "type";
    if (path.starts_with("service.*")) path.replace(8, 1, is_for_files ? "two" : "one");
    if (path.starts_with("listener.*")) path.replace(9, 1, "x");
    EXPECT_NE(std::ranges::find(kMeanings, path, &KeyMeaning::key), std::end(kMeanings)) << path;
  }
}

TEST(ServerConfig, ResolvesTheWordsThatStandForNumbersAndNames) {
  const auto settings = settings_of(kBase);
  EXPECT_EQ(settings.threads, 4U) << "auto: as many as there are cores";
  EXPECT_EQ(settings.limits.max_connections, 0U) << "auto: the limit on descriptors decides later";
  EXPECT_EQ(settings.user_timeout(), settings.timeouts.write + 30s);
  EXPECT_FALSE(one(settings).encoding.decode) << "auto";
  EXPECT_FALSE(one(settings).encoding.encode) << "match";
  EXPECT_FALSE(listener(settings).idle) << "that of timeouts";
  EXPECT_THAT(listener(settings).offered_services, ElementsAre("one"));
}

TEST(ServerConfig, ResolvesWhatDependsOnOtherThings) {
  EXPECT_EQ(settings_of(kListener + kEcho + "[timeouts]\nwrite = 5s\n").user_timeout(), 35s);
  EXPECT_EQ(settings_of(kListener + kEcho + "[timeouts]\nwrite = 0\n").user_timeout(), 0s);
  EXPECT_EQ(settings_of(kListener + kEcho + "[socket]\nuser_timeout = 0\n").user_timeout(), 0s);
  EXPECT_EQ(load(Given{.files = {{"f", kListener + kEcho}},
                       .command_line = {.config_file = "f"},
                       .cores = 0})
                .settings->threads,
            1U);
}

TEST(ServerConfig, FindsItsSectionsByName) {
  const auto settings = settings_of(kListener + kEcho);
  EXPECT_EQ(settings.version, 1U);
  EXPECT_EQ(settings.service_named("echo"), settings.services[0].get());
  EXPECT_EQ(settings.listener_named("main"), settings.listeners[0].get());
  EXPECT_EQ(settings.service_named("main"), nullptr);
  EXPECT_EQ(settings.listener_named("echo"), nullptr);
}

TEST(ServerConfig, TheSmallerOfTwoMessageLimitsHolds) {
  const auto longest = [](const std::string& limit, const std::string& own) {
    const auto settings = settings_of(kListener + "max_message = " + own + "\n" + kEcho +
                                      "[limits]\nmax_message = " + limit + "\n");
    return settings.message_bytes_max(*settings.listeners[0]);
  };
  EXPECT_EQ(longest("10", "0"), 10U);
  EXPECT_EQ(longest("10", "9"), 9U);
  EXPECT_EQ(longest("10", "11"), 10U);
}

// A client may rely on it that no payload of the server's is above 16,777,215 bytes.
TEST(ServerConfig, RefusesAReplyThatCouldBeLongerThanTheProtocolAllows) {
  const auto is_accepted = [](const std::string& max_message, const std::string& service) {
    return load(kListener + "[service.echo]\ntype = reply\n" + service +
                "\n[limits]\nmax_message = " + max_message + "\n")
        .errors.empty();
  };
  EXPECT_TRUE(is_accepted("16777215", "text = ok"));
  EXPECT_FALSE(is_accepted("16777215", "text = <{text}>"));
  EXPECT_TRUE(is_accepted("5m", "text = <{text}>"));
  EXPECT_FALSE(is_accepted("6m", "text = <{text}>"));
  EXPECT_TRUE(is_accepted("1m", "text = {text}{text}{text}{text}"));
  EXPECT_FALSE(is_accepted("1048576", "text = {text}{text}{text}{text}\nencode = gb18030"));
}

TEST(ServerConfig, LetsFramedListenersDoWithoutADefaultService) {
  const auto settings = settings_of("[listener.f]\nprotocol = framed\nservices = echo\n" + kEcho);
  EXPECT_EQ(settings.listeners[0]->default_service, "");
  EXPECT_THAT(settings.listeners[0]->offered_services, ElementsAre("echo"));
}

TEST(ServerConfig, AllowsAFileServiceWithoutARoot) {
  EXPECT_EQ(settings_of("[listener.f]\nservice = files\n[service.files]\ntype = file\n")
                .services[0]
                ->file.root,
            "");
}

TEST(ServerConfig, SaysWhatIsWrong) {
  struct Row {
    std::string text;
    std::string error;
  };
  const Row rows[] = {
      {"", "f: no [listener.NAME] section"},
      {kEcho, "f: no [listener.NAME] section"},
      {"[listener.a]\nservice = echp\n" + kEcho,
       R"(f:2: listener.a.service: there is no [service.echp]; did you mean "echo"?)"},
      {"[listener.a]\nservice = other\n" + kEcho,
       "f:2: listener.a.service: there is no [service.other]"},
      {"[listener.a]\nservice = echo\nservices = echo, nix\n" + kEcho,
       "f:3: listener.a.services: there is no [service.nix]"},
      {"[listener.a]\nservice = echo\nservices = echo, echo\n" + kEcho,
       R"(f:3: listener.a.services: "echo" is named twice)"},
      {"[listener.a]\n" + kEcho,
       "f:1: listener.a.service: is missing: only framed clients can name one themselves"},
      {"[listener.a]\nprotocol = framed\n" + kEcho,
       "f:1: listener.a.services: is missing, and so is service: there is nothing to open"},
      {kListener + kEcho + "[listener.b]\nbind = 127.0.0.1:7878\nservice = echo\n",
       R"(f:7: listener.b.bind: "127.0.0.1:7878" is already bound by listener.main)"},
      {kListener + kEcho + "[listener.b]\nbind = :7878\nservice = echo\n",
       R"(f:7: listener.b.bind: ":7878" is already bound by listener.main, at 127.0.0.1:7878)"},
      {"[listener.a]\nbind = unix:/x, unix:/x\nservice = echo\n" + kEcho,
       R"(f:2: listener.a.bind: "unix:/x" is already bound by this listener)"},
      {kListener + "[service.echo]\ntype = ecko\n",
       R"(f:5: service.echo.type: "ecko" is no service type: there are discard, echo, file, greet, log, reply; did you mean "echo"?)"},
      {kListener + "[service.echo]\n",
       "f:4: service.echo.type: is missing: there are discard, echo, file, greet, log, reply"},
      {kListener + "[service.echo]\ntype = reply\n",
       "f:4: service.echo.text: is missing: it is what a service of type reply answers"},
      {kListener + kEcho + "on_close = {pear} left\n",
       R"(f:6: service.echo.on_close: "{pear}" is no placeholder: there are {text} {len} {ip} {port} {peer} {id})"},
      {kListener + kEcho + "text = x\n",
       "f:6: service.echo.text: is for services of type reply alone, and this is one of type echo; "
       "remove it"},
      {kListener + kEcho + "root = /srv\n",
       "f:6: service.echo.root: is for services of type file alone, and this is one of type echo; "
       "remove it"},
      {kListener + "[service.echo]\ntype = reply\ntext = {text} has {len\n",
       R"(f:6: service.echo.text: "{len" lacks its })"},
      {kListener + "[service.echo]\ntype = reply\ntext = {text}{text}{text}{text}{text}\n",
       "f:6: service.echo.text: holds {text} more than 4 times: a reply would be as many messages "
       "long"},
      {kListener + kEcho + "[access]\ndeny = 10.0.0.1/8\n",
       R"(f:7: access.deny: "10.0.0.1/8" is not an address block: write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, without bits behind the prefix)"},
      {kListener + kEcho + "[socket]\nkeepalive = 1500ms\n",
       "f:7: socket.keepalive: must be whole seconds"},
      {kListener + kEcho + "[limits]\nmax_message = 16MiB\n",
       R"(f:7: limits.max_message: "16MiB" is above the largest allowed, 16777215)"},
      {kListener + kEcho + "chunk = 3\n",
       R"(f:6: service.echo.chunk: "3" is below the smallest allowed, 4)"},
  };
  for (const auto& [text, error] : rows) EXPECT_THAT(errors_of(text), ElementsAre(error)) << text;
  EXPECT_THAT(errors_of("[listener.a]\nbind = nowhere:x\nservice = echo\n" + kEcho),
              ElementsAre(HasSubstr("f:2: listener.a.bind: \"nowhere:x\": ")));
}

TEST(ServerConfig, SaysEverythingThatIsWrongWithAList) {
  const std::string with_access = kListener + kEcho + "[access]\n";
  EXPECT_THAT(errors_of(with_access + "deny = 10.0.0.0/8, garbage, 1.2.3.4/2,\n"),
              ElementsAre(HasSubstr("f:7: access.deny: \"garbage\" is not an address block"),
                          HasSubstr("f:7: access.deny: \"1.2.3.4/2\" is not an address block"),
                          "f:7: access.deny: has an empty item"));
  EXPECT_THAT(errors_of("[listener.a]\nbind = nowhere:x,, :1\nservice = echo\n" + kEcho),
              ElementsAre(HasSubstr("f:2: listener.a.bind: \"nowhere:x\": "),
                          "f:2: listener.a.bind: has an empty item"));
}

TEST(ServerConfig, TakesBracesThatAreNoPlaceholdersAsTheyAre) {
  settings_of(kListener + "[service.echo]\ntype = reply\ntext = {\"a\": 1} {} { text }\n");
}

TEST(ServerConfig, AllowsPortZeroOftenAndTheSamePortAtOtherAddresses) {
  settings_of(
      "[listener.a]\nbind = 127.0.0.1:0, 127.0.0.1:0, 127.0.0.1:1, [::1]:1\nservice = echo\n" +
      kEcho);
}

TEST(ServerConfig, ListsAllErrorsAtOnceInTheirOrder) {
  EXPECT_THAT(errors_of("[limits]\n"
                        "max_mesage = 1\n"
                        "[service.echo]\n"
                        "type = ecko\n"
                        "pause = long\n"
                        "[listener.main]\n"
                        "bind = :x\n"
                        "service = none\n"
                        "protocol = telnet\n"
                        "junk\n"),
              ElementsAre(HasSubstr("f:2: limits.max_mesage: unknown key"),
                          HasSubstr("f:4: service.echo.type: \"ecko\" is no service type"),
                          HasSubstr("f:5: service.echo.pause: \"long\" is not a duration"),
                          HasSubstr("f:7: listener.main.bind: \":x\""),
                          HasSubstr("f:8: listener.main.service: there is no [service.none]"),
                          HasSubstr("f:9: listener.main.protocol: \"telnet\" is none of"),
                          HasSubstr("f:10: \"junk\" is neither")));
}

TEST(ServerConfig, ReportsOneMistakeOnce) {
  // A refused value must not be reported again as missing.
  EXPECT_THAT(errors_of("[listener.main]\nservice = Echo\n" + kEcho), testing::SizeIs(1));
  EXPECT_THAT(errors_of(kListener + "[service.echo]\ntype = Echo!\n"), testing::SizeIs(1));
  EXPECT_THAT(errors_of("[listner.main]\nbind = :1\n"), testing::SizeIs(1));
}

// ---- where the configuration comes from

TEST(ServerConfig, ReadsTheDefaultFileWhereItExists) {
  const auto loaded = load(Given{.files = {{kDefaultConfigFile, kListener + kEcho}}});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_TRUE(loaded.settings);
}

TEST(ServerConfig, ReportsADefaultFileThatCannotBeRead) {
  FakeFiles files;
  files.forbid(kDefaultConfigFile);
  const Environment environment;
  const auto loaded = loaded_from(
      load_server_config({}, {.files = files, .environment = environment, .service_types = {}}));
  EXPECT_THAT(loaded.errors,
              ElementsAre("/etc/fairlead/fairleadd.conf: cannot be read: Permission denied"));
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
}

TEST(ServerConfig, RefusesAMissingFileThatWasAskedFor) {
  const auto loaded = load(Given{.command_line = {.config_file = "none.conf"}});
  EXPECT_THAT(loaded.errors, ElementsAre("none.conf: cannot be read: No such file or directory"));
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
}

TEST(ServerConfig, SaysWhatToDoWithoutAnyConfiguration) {
  const auto loaded = load(Given{});
  EXPECT_THAT(loaded.errors, ElementsAre("command line: no configuration: give one with -c, write "
                                         "/etc/fairlead/fairleadd.conf, or "
                                         "use --listen ADDRESS for an echo service"));
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
}

TEST(ServerConfig, CanComeFromTheEnvironmentAlone) {
  const auto loaded = load(Given{.environment = {{"FAIRLEAD_LISTENER__MAIN__BIND", ":1"},
                                                 {"FAIRLEAD_LISTENER__MAIN__SERVICE", "x"},
                                                 {"FAIRLEAD_SERVICE__X__TYPE", "discard"}}});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.settings->services.at(0)->type, "discard");
}

TEST(ServerConfig, LetsTheCommandLineWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string text = kListener + kEcho + "[server]\nname = file\n";
  const Environment environment{{"FAIRLEAD_SERVER__NAME", "environment"}};
  EXPECT_EQ(load(text).settings->name, "file");
  EXPECT_EQ(load(text, {}, environment).settings->name, "environment");
  EXPECT_EQ(load(text, {.settings = {"server.name=command"}}, environment).settings->name,
            "command");
}

// ---- --listen and -p

std::vector<std::string> bind_of(const Loaded& loaded, std::size_t listener = 0) {
  EXPECT_THAT(loaded.errors, IsEmpty());
  return loaded.settings ? texts(loaded.settings->listeners.at(listener)->bind)
                         : std::vector<std::string>{};
}

const std::string kTwo =
    "[listener.a]\nbind = :1\nservice = echo\n[listener.b]\nbind = :2\nservice = echo\n" + kEcho;
const std::string kTwoAndMain = kTwo + "[listener.main]\nbind = :3\nservice = echo\n";
const std::string kOther = "[listener.other]\nbind = :1\nservice = echo\n" + kEcho;

TEST(ServerConfig, ListenMakesAnEchoListenerWhereThereIsNone) {
  const auto loaded = load(Given{.command_line = {.listen = {"127.0.0.1:9", "[::1]:9"}}});
  EXPECT_THAT(bind_of(loaded), ElementsAre("127.0.0.1:9", "[::1]:9"));
  EXPECT_EQ(loaded.settings->listeners.at(0)->name, "main");
  EXPECT_EQ(default_service_of(*loaded.settings, 0).type, "echo");
  EXPECT_THAT(
      loaded.listing,
      HasSubstr(
          "[listener.main]\nbind = 127.0.0.1:9, [::1]:9                     # L command line\n"));
}

TEST(ServerConfig, ListenUsesAnEchoServiceThatIsThere) {
  const auto loaded = load("[service.echo]\ntype = reply\ntext = x\n", {.listen = {":9"}});
  EXPECT_THAT(bind_of(loaded), ElementsAre(":9"));
  EXPECT_EQ(loaded.settings->services.size(), 1U);
  EXPECT_EQ(default_service_of(*loaded.settings, 0).type, "reply");
}

TEST(ServerConfig, ListenReplacesTheAddressesOfMainOrOfTheOnlyListener) {
  EXPECT_THAT(bind_of(load(kListener + kEcho, {.listen = {":9"}})), ElementsAre(":9"));
  EXPECT_THAT(bind_of(load(kOther, {.listen = {":9", "unix:/x"}})), ElementsAre(":9", "unix:/x"));
  const auto loaded = load(kTwoAndMain, {.settings = {"listener.main.bind=:8"}, .listen = {":9"}});
  EXPECT_THAT(bind_of(loaded, 0), ElementsAre(":1"));
  EXPECT_THAT(bind_of(loaded, 2), ElementsAre(":9"));
}

TEST(ServerConfig, PortReplacesEveryTcpPortOfMainOrOfTheOnlyListener) {
  EXPECT_THAT(bind_of(load(
                  "[listener.main]\nbind = 127.0.0.1:1, unix:/x, [::1]:2\nservice = echo\n" + kEcho,
                  {.port = std::uint16_t{99}})),
              ElementsAre("127.0.0.1:99", "unix:/x", "[::1]:99"));
  EXPECT_THAT(bind_of(load(kOther, {.port = std::uint16_t{0}})), ElementsAre(":0"));
  const auto loaded = load(kTwoAndMain, {.port = std::uint16_t{99}});
  EXPECT_THAT(bind_of(loaded, 0), ElementsAre(":1"));
  EXPECT_THAT(bind_of(loaded, 1), ElementsAre(":2"));
  EXPECT_THAT(bind_of(loaded, 2), ElementsAre(":99"));
}

TEST(ServerConfig, PortAppliesToWhatListenAndTheOtherSourcesSay) {
  EXPECT_THAT(
      bind_of(load(Given{.command_line = {.listen = {"127.0.0.1:9"}, .port = std::uint16_t{99}}})),
      ElementsAre("127.0.0.1:99"));
  EXPECT_THAT(bind_of(load(kOther, {.port = std::uint16_t{99}},
                           {{"FAIRLEAD_LISTENER__OTHER__BIND", "[::1]:5"}})),
              ElementsAre("[::1]:99"));
}

TEST(ServerConfig, RefusesShortOptionsThatMeanNoListener) {
  struct Row {
    std::string text;
    CommandLine command_line;
    const char* error;
  };
  const CommandLine port{.port = std::uint16_t{99}}, listen{.listen = {":9"}};
  const Row rows[] = {
      {kTwo, port, "-p: which of the listeners? None is called main: a, b"},
      {kTwo, listen, "--listen: which of the listeners? None is called main: a, b"},
      {kEcho, port, "-p: there is no listener to give the port to"},
      {"[listener.main]\nbind = unix:/x\nservice = echo\n" + kEcho, port,
       "-p: listener.main.bind has no TCP address"},
  };
  for (const auto& [text, command_line, error] : rows) {
    const auto loaded = load(text, command_line);
    EXPECT_THAT(loaded.errors, ElementsAre(error));
    EXPECT_EQ(loaded.exit_status, kExitBadArguments);
    EXPECT_FALSE(loaded.settings);
  }
}

TEST(ServerConfig, ReportsTheConfigurationsOwnMistakesFirst) {
  auto loaded = load("[listner.main]\nbind = :1\n", {.port = std::uint16_t{99}});
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
  EXPECT_THAT(loaded.errors,
              ElementsAre("f:1: unknown section [listner.main]; did you mean [listener.main]?"));
  loaded =
      load("[listener.main]\nbind = :x\nservice = echo\n" + kEcho, {.port = std::uint16_t{99}});
  EXPECT_EQ(loaded.exit_status, kExitInvalidConfiguration);
  EXPECT_THAT(loaded.errors, ElementsAre(HasSubstr("f:2: listener.main.bind: \":x\"")));
}

TEST(ServerConfig, PrintsWhatIsConfiguredOnlyWhenItIsRight) {
  EXPECT_THAT(load(kListener + kEcho).listing,
              HasSubstr("service = echo                                  # N f:3\n"));
  EXPECT_EQ(load(kListener).listing, "");
}

// ---- the ready files

Loaded load_ready(const std::string& name, const Environment& environment = {}) {
  DiskFiles files;
  CommandLine command_line;
  command_line.config_file = FAIRLEAD_SOURCE_DIR "/config/" + name;
  return loaded_from(load_server_config(
      command_line, {.files = files,
                     .environment = environment,
                     .service_types = {"discard", "echo", "file", "greet", "log", "reply"}}));
}

TEST(ReadyConfig, ServesEchoOnTheDefaultPort) {
  const auto loaded = load_ready("fairleadd.conf");
  EXPECT_THAT(bind_of(loaded), ElementsAre("127.0.0.1:7878", "[::1]:7878"));
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(default_service_of(*loaded.settings, 0).type, "echo");
  EXPECT_GT(loaded.settings->listeners.at(0)->offered_services.size(), 1U);
}

// The table of the tutorials' servers, row by row.
TEST(ReadyConfig, OpensEveryServerOfTheTutorials) {
  const auto loaded = load_ready("seeds.conf");
  ASSERT_THAT(loaded.errors, IsEmpty());
  struct Row {
    std::uint16_t port;
    const char *type, *greeting, *text;
    std::optional<Encoding> encode;
    Encoding tie;
    std::uint64_t close_after;
    const char *on_connect, *on_message, *on_close, *on_missing;
  };
  constexpr auto kMatch = std::nullopt;
  constexpr auto kUtf8 = Encoding::utf8;
  const Row rows[] = {
      {7878, "reply", "", "好的,收到.", kMatch, kUtf8, 0, "", "", "", ""},
      {7788, "reply", "", "好的,已经收到!~", kMatch, Encoding::gbk, 0, "已经连接客户端: {peer}",
       "收到数据:{text}", "", ""},
      {8081, "reply", "", "好的,收到.", kUtf8, kUtf8, 0, "【新客户端来了】: {peer}",
       "收到客户端信息: {text}", "客户端可能断开连接!", ""},
      {8080, "file", "", "", Encoding::binary, kUtf8, 0, "", "", "", "no download file:{text}"},
      {8888, "greet", "成功连接服务器!", "", kUtf8, kUtf8, 0, "", "", "", ""},
      {2023, "log", "", "", kMatch, kUtf8, 1, "", "{ip}发来消息>>>{text}",
       "{peer}断开了与服务器的连接...", ""},
      {8989, "reply", "", "ok, 问题正在处理中...", kUtf8, kUtf8, 1,
       "客户端的ip地址和端口号: {peer}", "接收数据的长度为: {len}\n接收客户端的数据为: {text}", "",
       ""},
      {7789, "reply", "", "hello", kMatch, kUtf8, 1, "", "{text}", "", ""},
      {7790, "reply", "", "haha", kMatch, kUtf8, 0, "", "", "", ""},
  };
  const auto& listeners = loaded.settings->listeners;
  ASSERT_EQ(listeners.size(), std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const auto& row = rows[i];
    const auto& listener = *listeners[i];
    SCOPED_TRACE(row.port);
    EXPECT_THAT(texts(listener.bind), ElementsAre("127.0.0.1:" + std::to_string(row.port)));
    EXPECT_EQ(listener.protocol, ListenerProtocol::text);
    EXPECT_EQ(listener.idle.value_or(loaded.settings->timeouts.idle), 0s);
    const auto& service = default_service_of(*loaded.settings, i);
    EXPECT_EQ(service.type, row.type);
    EXPECT_EQ(service.greeting, row.greeting);
    EXPECT_EQ(service.text, row.text);
    EXPECT_EQ(service.encoding.decode, std::nullopt);
    EXPECT_EQ(service.encoding.encode, row.encode);
    EXPECT_EQ(service.encoding.encode_tie, row.tie);
    EXPECT_EQ(service.text_rules.boundary, Boundary::chunk);
    EXPECT_EQ(service.text_rules.chunk, 1024U);
    EXPECT_EQ(service.close_after, row.close_after);
    EXPECT_EQ(service.transcript.on_connect, row.on_connect);
    EXPECT_EQ(service.transcript.on_message, row.on_message);
    EXPECT_EQ(service.transcript.on_close, row.on_close);
    EXPECT_EQ(service.transcript.on_missing, row.on_missing);
  }
  EXPECT_EQ(default_service_of(*loaded.settings, 3).file.root, "/srv/fairlead");
  const auto elsewhere = load_ready("seeds.conf", {{"FAIRLEAD_FILES", "/tmp/files"}});
  EXPECT_EQ(default_service_of(*elsewhere.settings, 3).file.root, "/tmp/files");
}

}  // namespace
}  // namespace fairlead
