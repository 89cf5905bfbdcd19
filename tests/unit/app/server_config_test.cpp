#include "server/app/server_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

LoadedConfig load(const Given& given) {
  FakeFiles files(given.files);
  return load_server_config(given.command_line,
                            {.files = files,
                             .environment = given.environment,
                             .service_types = {"discard", "echo", "file", "greet", "log", "reply"},
                             .cores = given.cores});
}

LoadedConfig load(const std::string& text, CommandLine command_line = {},
                  Environment environment = {}) {
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

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> result;
  for (const auto& endpoint : endpoints) result.push_back(endpoint.text());
  return result;
}

TEST(ServerConfig, GivesEveryDefaultItsMeaning) {
  const auto settings = settings_of("[listener.main]\nservice = echo\n" + kEcho);
  EXPECT_EQ(settings.name, "fairlead");
  EXPECT_EQ(settings.threads, 4U);
  EXPECT_EQ(settings.accept, AcceptMode::shared);
  EXPECT_EQ(settings.run_dir, "");
  EXPECT_EQ(settings.limits.max_connections, 0U);
  EXPECT_EQ(settings.limits.max_per_ip, 0U);
  EXPECT_EQ(settings.limits.ip_prefix_v4, 32U);
  EXPECT_EQ(settings.limits.ip_prefix_v6, 64U);
  EXPECT_EQ(settings.limits.accept_rate, 0U);
  EXPECT_EQ(settings.limits.accept_rate_per_ip, 0U);
  EXPECT_EQ(settings.limits.early_drop, 0U);
  EXPECT_EQ(settings.limits.max_message, 1U << 20);
  EXPECT_EQ(settings.limits.queue_hard, 1U << 20);
  EXPECT_EQ(settings.limits.queue_soft, 256U << 10);
  EXPECT_EQ(settings.limits.queue_soft_for, 10s);
  EXPECT_EQ(settings.limits.slow_policy, SlowPolicy::disconnect);
  EXPECT_EQ(settings.limits.max_buffer_memory, 256U << 20);
  EXPECT_EQ(settings.limits.requests_per_turn, 64U);
  EXPECT_EQ(settings.timeouts.idle, 10min);
  EXPECT_EQ(settings.timeouts.first_byte, 0s);
  EXPECT_EQ(settings.timeouts.message, 30s);
  EXPECT_EQ(settings.timeouts.write, 30s);
  EXPECT_EQ(settings.timeouts.linger, 2s);
  EXPECT_EQ(settings.timeouts.drain, 10s);
  EXPECT_EQ(settings.timeouts.lame_duck, 2min);
  EXPECT_EQ(settings.socket.backlog, 4096U);
  EXPECT_TRUE(settings.socket.reuse_address);
  EXPECT_TRUE(settings.socket.nodelay);
  EXPECT_EQ(settings.socket.keepalive, 60s);
  EXPECT_EQ(settings.socket.user_timeout, 60s);
  EXPECT_EQ(settings.socket.notsent_lowat, 32U << 10);
  EXPECT_EQ(settings.socket.send_buffer, 0U);
  EXPECT_EQ(settings.socket.receive_buffer, 0U);
  EXPECT_EQ(settings.log.level, "info");
  EXPECT_FALSE(settings.log.json);
  EXPECT_EQ(settings.log.file, "");
  EXPECT_EQ(settings.log.session_file, "");
  EXPECT_THAT(settings.access.allow, IsEmpty());
  EXPECT_THAT(settings.access.deny, IsEmpty());

  ASSERT_EQ(settings.services.size(), 1U);
  const auto& service = *settings.services[0];
  EXPECT_EQ(service.name, "echo");
  EXPECT_EQ(service.type, "echo");
  EXPECT_FALSE(service.encoding.decode);
  EXPECT_FALSE(service.encoding.encode);
  EXPECT_EQ(service.encoding.encode_tie, Encoding::utf8);
  EXPECT_EQ(service.text_rules.boundary, Boundary::automatic);
  EXPECT_EQ(service.text_rules.chunk, 1024U);
  EXPECT_EQ(service.text_rules.pause, 20ms);
  EXPECT_EQ(service.close_after, 0U);
  EXPECT_EQ(service.file.max_downloads, 256U);
  EXPECT_FALSE(service.file.symlinks);

  ASSERT_EQ(settings.listeners.size(), 1U);
  const auto& listener = *settings.listeners[0];
  EXPECT_THAT(texts(listener.bind), ElementsAre("127.0.0.1:7878", "[::1]:7878"));
  EXPECT_EQ(listener.protocol, ListenerProtocol::automatic);
  EXPECT_EQ(listener.service, &service);
  EXPECT_THAT(listener.open_services, ElementsAre(&service));
  EXPECT_EQ(listener.idle, 10min);
  EXPECT_EQ(listener.greet_wait, 100ms);
  EXPECT_EQ(listener.unix_mode, 0660U);
}

TEST(ServerConfig, GivesEveryKeyItsMeaning) {
  const auto settings = settings_of(R"([server]
name = lead
threads = 3
accept = reuseport
run_dir = /run/lead
[limits]
max_connections = 10k
max_per_ip = 11
ip_prefix_v4 = 24
ip_prefix_v6 = 56
accept_rate = 12
accept_rate_per_ip = 13
early_drop = 90
max_message = 2MiB
queue_hard = 3MiB
queue_soft = 4k
queue_soft_for = 5s
slow_policy = drop_oldest
max_buffer_memory = 6m
requests_per_turn = 7
[timeouts]
idle = 1m
first_byte = 2s
message = 3s
write = 4s
linger = 5s
drain = 6s
lame_duck = 7s
[socket]
backlog = 8
reuse_address = no
nodelay = off
keepalive = 9s
user_timeout = 10s
notsent_lowat = 11k
send_buffer = 12k
receive_buffer = 13k
[log]
level = debug
format = json
file = /log/a
session_file = /log/b
[access]
allow = 10.0.0.0/8, 192.0.2.7
deny = ::/0
[service.one]
type = reply
greeting = hi {word}
decode = gbk
encode = gb18030
encode_tie = latin1
boundary = line
chunk = 2k
pause = 30ms
text = {text} {len}
close_after = 4
on_connect = a {peer}
on_message = b {ip} {port}
on_close = c {id}
on_missing = d
root = /srv
max_rate = 1k
max_downloads = 5
symlinks = yes
hidden = yes
[service.two]
type = file
encode = binary
boundary = chunk
[listener.x]
bind = unix:/run/x, :0
protocol = framed
service = one
services = two, one
idle = 0
greet_wait = 1s
unix_mode = 0600
)");
  EXPECT_EQ(settings.name, "lead");
  EXPECT_EQ(settings.threads, 3U);
  EXPECT_EQ(settings.accept, AcceptMode::reuseport);
  EXPECT_EQ(settings.run_dir, "/run/lead");
  EXPECT_EQ(settings.limits.max_connections, 10'000U);
  EXPECT_EQ(settings.limits.max_per_ip, 11U);
  EXPECT_EQ(settings.limits.ip_prefix_v4, 24U);
  EXPECT_EQ(settings.limits.ip_prefix_v6, 56U);
  EXPECT_EQ(settings.limits.accept_rate, 12U);
  EXPECT_EQ(settings.limits.accept_rate_per_ip, 13U);
  EXPECT_EQ(settings.limits.early_drop, 90U);
  EXPECT_EQ(settings.limits.max_message, 2U << 20);
  EXPECT_EQ(settings.limits.queue_hard, 3U << 20);
  EXPECT_EQ(settings.limits.queue_soft, 4096U);
  EXPECT_EQ(settings.limits.queue_soft_for, 5s);
  EXPECT_EQ(settings.limits.slow_policy, SlowPolicy::drop_oldest);
  EXPECT_EQ(settings.limits.max_buffer_memory, 6U << 20);
  EXPECT_EQ(settings.limits.requests_per_turn, 7U);
  EXPECT_EQ(settings.timeouts.idle, 1min);
  EXPECT_EQ(settings.timeouts.first_byte, 2s);
  EXPECT_EQ(settings.timeouts.message, 3s);
  EXPECT_EQ(settings.timeouts.write, 4s);
  EXPECT_EQ(settings.timeouts.linger, 5s);
  EXPECT_EQ(settings.timeouts.drain, 6s);
  EXPECT_EQ(settings.timeouts.lame_duck, 7s);
  EXPECT_EQ(settings.socket.backlog, 8U);
  EXPECT_FALSE(settings.socket.reuse_address);
  EXPECT_FALSE(settings.socket.nodelay);
  EXPECT_EQ(settings.socket.keepalive, 9s);
  EXPECT_EQ(settings.socket.user_timeout, 10s);
  EXPECT_EQ(settings.socket.notsent_lowat, 11U << 10);
  EXPECT_EQ(settings.socket.send_buffer, 12U << 10);
  EXPECT_EQ(settings.socket.receive_buffer, 13U << 10);
  EXPECT_EQ(settings.log.level, "debug");
  EXPECT_TRUE(settings.log.json);
  EXPECT_EQ(settings.log.file, "/log/a");
  EXPECT_EQ(settings.log.session_file, "/log/b");
  EXPECT_THAT(settings.access.allow,
              ElementsAre(*parse_address_block("10.0.0.0/8"), *parse_address_block("192.0.2.7")));
  EXPECT_THAT(settings.access.deny, ElementsAre(*parse_address_block("::/0")));

  const auto& one = *settings.services.at(0);
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.type, "reply");
  EXPECT_EQ(one.greeting, "hi {word}");  // no template: braces are braces
  EXPECT_EQ(one.text, "{text} {len}");
  EXPECT_EQ(one.encoding.decode, Encoding::gbk);
  EXPECT_EQ(one.encoding.encode, Encoding::gb18030);
  EXPECT_EQ(one.encoding.encode_tie, Encoding::latin1);
  EXPECT_EQ(one.text_rules.boundary, Boundary::line);
  EXPECT_EQ(one.text_rules.chunk, 2048U);
  EXPECT_EQ(one.text_rules.pause, 30ms);
  EXPECT_EQ(one.close_after, 4U);
  EXPECT_EQ(one.transcript.on_connect, "a {peer}");
  EXPECT_EQ(one.transcript.on_message, "b {ip} {port}");
  EXPECT_EQ(one.transcript.on_close, "c {id}");
  EXPECT_EQ(one.transcript.on_missing, "d");
  EXPECT_EQ(one.file.root, "/srv");
  EXPECT_EQ(one.file.max_rate, 1000U);
  EXPECT_EQ(one.file.max_downloads, 5U);
  EXPECT_TRUE(one.file.symlinks);
  EXPECT_TRUE(one.file.hidden);
  const auto& two = *settings.services.at(1);
  EXPECT_EQ(two.encoding.encode, Encoding::binary);
  EXPECT_EQ(two.text_rules.boundary, Boundary::chunk);

  const auto& listener = *settings.listeners.at(0);
  EXPECT_THAT(texts(listener.bind), ElementsAre("unix:/run/x", ":0"));
  EXPECT_EQ(listener.protocol, ListenerProtocol::framed);
  EXPECT_EQ(listener.service, &one);
  EXPECT_THAT(listener.open_services, ElementsAre(&two, &one));
  EXPECT_EQ(listener.default_service, one.name);
  EXPECT_THAT(listener.offered_services, ElementsAre(two.name, one.name));
  EXPECT_EQ(listener.idle, 0s);
  EXPECT_EQ(listener.greet_wait, 1s);
  EXPECT_EQ(listener.unix_mode, 0600U);
}

TEST(ServerConfig, ResolvesWhatDependsOnOtherThings) {
  EXPECT_EQ(settings_of(kListener + kEcho + "[timeouts]\nwrite = 5s\n").socket.user_timeout, 35s);
  EXPECT_EQ(settings_of(kListener + kEcho + "[timeouts]\nwrite = 0\n").socket.user_timeout, 0s);
  EXPECT_EQ(settings_of(kListener + kEcho + "[socket]\nuser_timeout = 0\n").socket.user_timeout,
            0s);
  EXPECT_EQ(settings_of(kListener + kEcho + "[timeouts]\nidle = 7\n").listeners[0]->idle, 7s);
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

TEST(ServerConfig, LetsFramedListenersDoWithoutADefaultService) {
  const auto settings = settings_of("[listener.f]\nprotocol = framed\nservices = echo\n" + kEcho);
  EXPECT_EQ(settings.listeners[0]->service, nullptr);
  EXPECT_THAT(settings.listeners[0]->open_services, ElementsAre(settings.services[0].get()));
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
      {kListener + kEcho + "text = {text}{text}{text}{text}{text}\n",
       "f:6: service.echo.text: holds {text} more than 4 times: a reply would be as many messages "
       "long"},
      {kListener + kEcho + "[access]\ndeny = 10.0.0.1/8\n",
       R"(f:7: access.deny: "10.0.0.1/8" is not an address block: write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, without bits behind the prefix)"},
      {kListener + kEcho + "[limits]\nqueue_soft = 2m\n",
       "f:7: limits.queue_soft: is above limits.queue_hard"},
      {kListener + kEcho + "[limits]\nqueue_hard = 2k\n",
       "f:7: limits.queue_hard: is below limits.queue_soft"},
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
  const auto loaded =
      load_server_config({}, {.files = files, .environment = environment, .service_types = {}});
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

std::vector<std::string> bind_of(const LoadedConfig& loaded, std::size_t listener = 0) {
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
  EXPECT_EQ(loaded.settings->listeners.at(0)->service->type, "echo");
  EXPECT_THAT(
      loaded.listing,
      HasSubstr(
          "[listener.main]\nbind = 127.0.0.1:9, [::1]:9                     # L command line\n"));
}

TEST(ServerConfig, ListenUsesAnEchoServiceThatIsThere) {
  const auto loaded = load("[service.echo]\ntype = reply\ntext = x\n", {.listen = {":9"}});
  EXPECT_THAT(bind_of(loaded), ElementsAre(":9"));
  EXPECT_EQ(loaded.settings->services.size(), 1U);
  EXPECT_EQ(loaded.settings->listeners.at(0)->service->type, "reply");
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

LoadedConfig load_ready(const std::string& name, const Environment& environment = {}) {
  DiskFiles files;
  CommandLine command_line;
  command_line.config_file = FAIRLEAD_SOURCE_DIR "/config/" + name;
  return load_server_config(
      command_line, {.files = files,
                     .environment = environment,
                     .service_types = {"discard", "echo", "file", "greet", "log", "reply"}});
}

TEST(ReadyConfig, ServesEchoOnTheDefaultPort) {
  const auto loaded = load_ready("fairleadd.conf");
  EXPECT_THAT(bind_of(loaded), ElementsAre("127.0.0.1:7878", "[::1]:7878"));
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->listeners.at(0)->service->type, "echo");
  EXPECT_GT(loaded.settings->listeners.at(0)->open_services.size(), 1U);
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
    EXPECT_EQ(listener.idle, 0s);
    const auto& service = *listener.service;
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
  EXPECT_EQ(listeners[3]->service->file.root, "/srv/fairlead");
  const auto elsewhere = load_ready("seeds.conf", {{"FAIRLEAD_FILES", "/tmp/files"}});
  EXPECT_EQ(elsewhere.settings->listeners.at(3)->service->file.root, "/tmp/files");
}

}  // namespace
}  // namespace fairlead
