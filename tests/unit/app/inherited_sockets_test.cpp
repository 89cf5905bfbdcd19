#include "server/app/inherited_sockets.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

#include "common/io/listening_socket.hpp"
#include "tests/support/fakes.hpp"
#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::vector<std::string>;

Names names_of(const ListenVariables& variables) {
  const auto names = inherited_names(variables, 42);
  EXPECT_TRUE(names) << names.error().what;
  return names.value_or(Names{"an error"});
}

std::string error_of(const ListenVariables& variables) {
  const auto names = inherited_names(variables, 42);
  return names ? "" : names.error().what;
}

TEST(InheritedNames, AreThoseOfTheDescriptorsFromThreeOn) {
  EXPECT_THAT(names_of({.pid = "42", .descriptors = "2", .names = "main:other"}),
              ElementsAre("main", "other"));
  EXPECT_THAT(names_of({.pid = "42", .descriptors = "2", .names = ":other"}),
              ElementsAre("", "other"));
  EXPECT_THAT(names_of({.pid = "42", .descriptors = "2"}), ElementsAre("", ""));
  EXPECT_THAT(names_of({.pid = "42", .descriptors = "0"}), IsEmpty());
}

TEST(InheritedNames, OfAnotherProcessAreNoneOfOurs) {
  EXPECT_THAT(names_of({}), IsEmpty());
  EXPECT_THAT(names_of({.pid = "43", .descriptors = "2"}), IsEmpty());
  EXPECT_THAT(names_of({.pid = "42x", .descriptors = "2"}), IsEmpty());
  EXPECT_THAT(names_of({.descriptors = "2"}), IsEmpty());
  EXPECT_THAT(names_of({.pid = "43", .descriptors = "nonsense"}), IsEmpty());
}

TEST(InheritedNames, WhatContradictsItselfIsAnError) {
  for (const char* const count : {"", "x", "-1", "2 ", "1000000", "99999999999"})
    EXPECT_THAT(error_of({.pid = "42", .descriptors = count}),
                HasSubstr("LISTEN_FDS is \"" + std::string(count) + "\", which is no number"));
  EXPECT_THAT(error_of({.pid = "42", .descriptors = "2", .names = "main"}),
              HasSubstr("LISTEN_FDS says 2, and LISTEN_FDNAMES names 1"));
  EXPECT_NE(error_of({.pid = "42", .descriptors = "0", .names = "main"}), "");
}

// ---- Which socket serves whom

struct Planned {
  Names serves;                // the name of each socket's listener; "": none
  std::vector<Names> to_open;  // of each listener
};

struct Passed {
  std::string name, address;  // "": it is no listening socket
};

Planned planned(const std::string& config, const std::vector<Passed>& passed) {
  const SettingsSnapshot settings = settings_from("[service.echo]\ntype = echo\n" + config);
  InheritedSockets sockets;
  for (const auto& [name, address] : passed) {
    const auto parsed = parse_endpoint(address);
    sockets.push_back({Descriptor(), name, parsed ? std::optional(*parsed) : std::nullopt});
  }
  const auto resolve = [](Endpoint address) -> std::vector<Endpoint> {
    if (address.host != "localhost") return {address};
    Endpoint other = address;
    address.host = "127.0.0.1";
    other.host = "::1";
    return {other, address};
  };
  const InheritancePlan plan = plan_inheritance(*settings, sockets, resolve);
  Planned result;
  for (const auto* listener : plan.listener_of)
    result.serves.push_back(listener == nullptr ? "" : listener->name);
  for (const auto& endpoints : plan.to_open) {
    auto& texts = result.to_open.emplace_back();
    for (const Endpoint& endpoint : endpoints) texts.push_back(endpoint.text());
  }
  return result;
}

std::string listener(const std::string& name, const std::string& bind) {
  return "[listener." + name + "]\nservice = echo\nbind = " + bind + "\n";
}

TEST(InheritancePlan, WithoutSocketsEverythingIsOpenedAsItIsWritten) {
  const Planned plan = planned(listener("main", "localhost:7, unix:/s") + listener("b", ":8"), {});
  EXPECT_THAT(plan.serves, IsEmpty());
  EXPECT_THAT(plan.to_open, ElementsAre(ElementsAre("localhost:7", "unix:/s"), ElementsAre(":8")));
}

TEST(InheritancePlan, ASocketServesTheListenerOfItsNameWhateverItsAddress) {
  const Planned plan = planned(listener("main", "127.0.0.1:7") + listener("other", "127.0.0.1:8"),
                               {{"other", "127.0.0.1:80"}, {"main", "127.0.0.1:7"}});
  EXPECT_THAT(plan.serves, ElementsAre("other", "main"));
  EXPECT_THAT(plan.to_open, ElementsAre(IsEmpty(), ElementsAre("127.0.0.1:8")))
      << "an address that no socket stands for is opened";
}

TEST(InheritancePlan, WithoutSuchANameTheAddressDecides) {
  const Planned plan =
      planned(listener("main", "127.0.0.1:7") + listener("other", "unix:/run/s, [::1]:8"),
              {{"fairleadd.socket", "[::1]:8"}, {"", "unix:/run/s"}, {"unknown", "127.0.0.1:7"}});
  EXPECT_THAT(plan.serves, ElementsAre("other", "other", "main"));
  EXPECT_THAT(plan.to_open, ElementsAre(IsEmpty(), IsEmpty()));
}

TEST(InheritancePlan, WhatServesNobodyIsLeftOver) {
  const Planned plan = planned(listener("main", "127.0.0.1:7"),
                               {{"", "127.0.0.1:9"}, {"x", "unix:/other"}, {"main", ""}});
  EXPECT_THAT(plan.serves, ElementsAre("", "", ""));
  EXPECT_THAT(plan.to_open, ElementsAre(ElementsAre("127.0.0.1:7")));
}

TEST(InheritancePlan, ANameStandsForEachOfItsAddresses) {
  const std::string config = listener("main", "localhost:7");
  EXPECT_THAT(planned(config, {{"", "127.0.0.1:7"}}).to_open, ElementsAre(ElementsAre("[::1]:7")));
  EXPECT_THAT(planned(config, {{"", "127.0.0.1:7"}, {"", "[::1]:7"}}).to_open,
              ElementsAre(IsEmpty()));
}

TEST(InheritancePlan, EveryAddressIsAWildcard) {
  for (const char* const wildcard : {"[::]:7", "0.0.0.0:7"})
    EXPECT_THAT(planned(listener("main", ":7"), {{"", wildcard}}).to_open, ElementsAre(IsEmpty()));
  const Planned one = planned(listener("main", ":7"), {{"main", "127.0.0.1:7"}});
  EXPECT_THAT(one.to_open, ElementsAre(ElementsAre(":7"))) << "the others would be missing";
}

TEST(InheritancePlan, APortThatTheKernelChoseIsKept) {
  const std::string config = listener("main", "127.0.0.1:0, 127.0.0.1:7, 127.0.0.1:0");
  EXPECT_THAT(planned(config, {{"main", "127.0.0.1:7"}}).to_open,
              ElementsAre(ElementsAre("127.0.0.1:0", "127.0.0.1:0")));
  EXPECT_THAT(planned(config, {{"main", "127.0.0.1:7"}, {"main", "127.0.0.1:4711"}}).to_open,
              ElementsAre(ElementsAre("127.0.0.1:0")));
  EXPECT_THAT(planned(config, {{"main", "127.0.0.1:4712"}, {"main", "127.0.0.1:4711"}}).to_open,
              ElementsAre(ElementsAre("127.0.0.1:7")));
  EXPECT_THAT(planned(config, {{"", "127.0.0.1:4711"}}).serves, ElementsAre(""))
      << "without a name it could be any listener's";
}

TEST(InheritancePlan, SeveralSocketsOfOneAddressAllServe) {
  const Planned plan = planned("[server]\naccept = reuseport\n" + listener("main", "127.0.0.1:0"),
                               {{"main", "127.0.0.1:4711"}, {"main", "127.0.0.1:4711"}});
  EXPECT_THAT(plan.serves, ElementsAre("main", "main"));
  EXPECT_THAT(plan.to_open, ElementsAre(IsEmpty()));
}

// ---- With sockets

InheritedSockets passed(std::vector<ListeningSocket> sockets, const std::string& name) {
  InheritedSockets inherited;
  for (const ListeningSocket& socket : sockets)
    inherited.push_back(
        {Descriptor(socket.descriptor), name, listening_address(socket.descriptor)});
  return inherited;
}

std::vector<ListeningSocket> opened_at(const std::string& address, bool reuse_port = false) {
  return *open_listening_sockets(*parse_endpoint(address), {.reuse_port = reuse_port});
}

TEST(Origins, AreReadAsTheyWereWritten) {
  const std::vector<std::optional<OpenedByOlder>> origins{
      OpenedByOlder{*parse_endpoint("127.0.0.1:0")}, std::nullopt,
      OpenedByOlder{*parse_endpoint("unix:/a folder/a:name"), 64'768, 18'000'000'000},
      OpenedByOlder{*parse_endpoint("localhost:7878")}, OpenedByOlder{*parse_endpoint(":7878")}};
  EXPECT_EQ(read_origins(origins_text(origins)), origins);
}

TEST(Origins, AreNothingWhereTheyAreNoText) {
  for (const char* text : {"x\n", "1\n", "1 2\n", "1 2 \n", "1 2 no address\n", "-1 2:3\n", "\n"})
    EXPECT_EQ(read_origins(text), std::nullopt) << text;
}

// What the older process of an upgrade passes: sockets that it has opened for what it had written.
InheritedSockets of_older(const std::vector<ListeningSocket>& sockets, const std::string& name,
                          const std::string& written) {
  auto inherited = passed(sockets, name);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    inherited[i].is_lent = true;
    inherited[i].older = {*parse_endpoint(written), sockets[i].device, sockets[i].inode};
  }
  return inherited;
}

struct OpenedBehindOlder {
  OpenedListeners opened;
  std::vector<ListeningSocket> left;

  OpenedBehindOlder(const std::string& config, InheritedSockets inherited) {
    const SettingsSnapshot settings = settings_from(config);
    CapturingLog log;
    auto result = open_listeners(*settings, log, std::move(inherited), &left);
    EXPECT_TRUE(result) << result.error().what;
    if (result) opened = std::move(*result);
  }
  ~OpenedBehindOlder() {
    close_listeners(opened);
    for (const ListeningSocket& socket : left) close_listening_socket(socket);
  }

  const OpenedListener* named(const std::string& name) const {
    const auto found = std::ranges::find(opened, name, &OpenedListener::name);
    return found == opened.end() ? nullptr : &*found;
  }
};

TEST(SocketsOfAnOlderProcess, AreOursToAReload) {
  const auto sockets = opened_at("127.0.0.1:0");
  const OpenedBehindOlder now(kTwoListeners, of_older(sockets, "main", "127.0.0.1:0"));
  ASSERT_EQ(now.opened.size(), 2U);
  const OpenedListener* const kept = now.named("main");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->socket.address, sockets[0].address);
  EXPECT_EQ(kept->written.port, 0);
  EXPECT_FALSE(kept->is_inherited);
  EXPECT_TRUE(kept->is_lent);
  EXPECT_NE(now.named("other"), nullptr) << "it is opened";
  EXPECT_THAT(now.left, IsEmpty());
}

TEST(SocketsOfAnOlderProcess, AreLeftWhereTheListenerHasAnotherAddress) {
  const auto sockets = opened_at("127.0.0.1:0");
  const OpenedBehindOlder now(kTwoListeners, of_older(sockets, "main", "127.0.0.2:0"));
  ASSERT_EQ(now.left.size(), 1U);
  EXPECT_EQ(now.left[0].address, sockets[0].address);
  ASSERT_NE(now.named("main"), nullptr);
  EXPECT_NE(now.named("main")->socket.address, sockets[0].address);
}

TEST(SocketsOfAnOlderProcess, AreNotInTheWayOfAnAddressThatHoldsTheirs) {
  // A port that nobody has at any address.
  const ListeningSocket anywhere = opened_at("0.0.0.0:0")[0];
  ::close(anywhere.descriptor);
  const std::string port = std::to_string(anywhere.address.port);
  const auto sockets = opened_at("127.0.0.1:" + port);
  const OpenedBehindOlder now(
      "[service.echo]\ntype = echo\n[listener.main]\nservice = echo\n"
      "bind = 0.0.0.0:" +
          port + "\n",
      of_older(sockets, "main", "127.0.0.1:" + port));
  ASSERT_EQ(now.opened.size(), 1U);
  EXPECT_EQ(now.opened[0].socket.address.text(), "0.0.0.0:" + port);
  EXPECT_EQ(now.left.size(), 1U);
}

TEST(SocketsOfAnOlderProcess, HaveTheirPathsAsLongAsTheyAreLent) {
  const TestFolder folder;
  const std::string path = folder / "socket";
  const std::string bind = "unix:" + path;
  const std::string config =
      "[service.echo]\ntype = echo\n[listener.main]\nservice = echo\nbind = " + bind + "\n";
  const auto socket = opened_at(bind);
  const Descriptor of_the_older(::fcntl(socket[0].descriptor, F_DUPFD_CLOEXEC, 0));
  { const OpenedBehindOlder now(config, of_older(socket, "main", bind)); }
  EXPECT_TRUE(std::filesystem::exists(path));
  {
    OpenedBehindOlder now(config, of_older({{::fcntl(of_the_older.get(), F_DUPFD_CLOEXEC, 0),
                                             socket[0].address, socket[0].device, socket[0].inode}},
                                           "main", bind));
    now.opened[0].is_lent = false;
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SocketsOfAnOlderProcess, AreAcceptedFromOnlyOnceItHasGivenTheOrder) {
  RunningDaemon running(kTwoListeners);
  const auto sockets = opened_at("127.0.0.1:0");
  running.daemon().wait_for_order();
  ASSERT_TRUE(running.daemon().open(of_older(sockets, "main", "127.0.0.1:0")));
  running.run();
  {
    Socket early = new_socket();
    connect_to(early, sockets[0].address.port);
    running.call([] {});
    EXPECT_EQ(running.daemon().connections(), 0U);
    running.call([&] { running.daemon().begin_accepting(41); });
    expect_echo(early, "hello\n");
  }
  running.daemon().request_stop(StopRequest::drain);
  EXPECT_TRUE(running.outcome());
  EXPECT_THAT(running.log(), HasSubstr("session id=42 "));
}

TEST(SocketsOfAnOlderProcess, WhoWaitsIsNotAcceptedByAProcessThatGivesUp) {
  RunningDaemon running(kTwoListeners);
  const auto sockets = opened_at("127.0.0.1:0");
  const Descriptor of_the_older(::fcntl(sockets[0].descriptor, F_DUPFD_CLOEXEC, 0));
  running.daemon().wait_for_order();
  ASSERT_TRUE(running.daemon().open(of_older(sockets, "main", "127.0.0.1:0")));
  running.run();
  const Socket early = new_socket();
  connect_to(early, sockets[0].address.port);
  running.call([&] { running.daemon().fail("no order came"); });
  ASSERT_FALSE(running.outcome());
  EXPECT_EQ(running.outcome().error().what, "no order came");
  const Descriptor accepted(::accept(of_the_older.get(), nullptr, nullptr));
  EXPECT_TRUE(accepted) << "the older process has the client";
}

TEST(InheritedSockets, AreServedAndTheirUnixPathsStay) {
  RunningDaemon running(kTwoListeners);
  const std::string path = running.folder / "socket";
  auto sockets = opened_at("127.0.0.1:0");
  const std::uint16_t port = sockets[0].address.port;
  sockets.push_back(opened_at("unix:" + path)[0]);
  ASSERT_TRUE(running.daemon().open(passed(sockets, "main")));
  EXPECT_EQ(running.port("main"), port);
  EXPECT_NE(running.port("other"), port);
  running.run();
  expect_echo(running.connect("main"), "hello\n");
  expect_echo(running.connect("other"), "hello\n");
  running.daemon().request_stop(StopRequest::drain);
  EXPECT_TRUE(running.outcome());
  EXPECT_TRUE(std::filesystem::exists(path)) << "it is the holder's";
  const std::string log = running.log();
  EXPECT_THAT(log, HasSubstr("listening listener=main address=127.0.0.1:" + std::to_string(port) +
                             " inherited=true\n"));
  EXPECT_THAT(log, HasSubstr("listening listener=main address=unix:" + path + " inherited=true\n"));
}

TEST(InheritedSockets, WhatServesNobodyIsClosedAndToldOnce) {
  RunningDaemon running(kTwoListeners);
  auto strays = opened_at("127.0.0.1:0");
  const std::uint16_t port = strays[0].address.port;
  auto inherited = passed(strays, "stray");
  inherited.push_back({Descriptor(::socket(AF_INET, SOCK_DGRAM, 0)), "main", std::nullopt});
  ASSERT_TRUE(running.daemon().open(std::move(inherited)));
  EXPECT_TRUE(refuses(port));
  const std::string log = running.log();
  EXPECT_THAT(
      log, HasSubstr("warn inherited_socket_closed name=stray address=127.0.0.1:" +
                     std::to_string(port) + " why=\"no listener has its name or its address\"\n"));
  EXPECT_THAT(log, HasSubstr("warn inherited_socket_closed name=main address=\"\" why=\"it is no "
                             "listening TCP or unix socket\"\n"));
}

TEST(InheritedSockets, OneForEachThreadStaysWithItWithReuseport) {
  const SettingsSnapshot settings = settings_from(
      "[server]\naccept = reuseport\nthreads = 2\n"
      "[service.echo]\ntype = echo\n" +
      listener("main", "127.0.0.1:0"));
  CapturingLog log;
  const auto opened_with = [&](std::size_t count) {
    auto sockets = opened_at("127.0.0.1:0", true);
    while (sockets.size() < count) sockets.push_back(opened_at(sockets[0].address.text(), true)[0]);
    auto opened = open_listeners(*settings, log, passed(sockets, "main"));
    EXPECT_TRUE(opened && opened->size() == count);
    close_listeners(*opened);
    return *opened;
  };
  const auto two = opened_with(2);
  EXPECT_EQ((std::pair{two[0].shard, two[1].shard}), (std::pair{0U, 1U}));
  EXPECT_FALSE(two[0].is_for_all || two[1].is_for_all);
  for (const std::size_t count : {1, 3})
    for (const OpenedListener& each : opened_with(count))
      EXPECT_TRUE(each.shard == 0 && each.is_for_all) << "all threads serve what it accepts";
}

TEST(ListeningAddress, KnowsListeningStreamSockets) {
  const TestFolder folder;
  const auto address_of = [](int descriptor) {
    const auto address = listening_address(descriptor);
    return address ? address->text() : "";
  };
  for (const std::string& address : {std::string("127.0.0.1:0"), "unix:" + folder / "socket"}) {
    const auto sockets = opened_at(address);
    EXPECT_EQ(address_of(sockets[0].descriptor), sockets[0].address.text());
    close_listening_socket(sockets[0]);
  }
  const Descriptor abstract(::socket(AF_UNIX, SOCK_STREAM, 0));
  const std::string name = "fairlead-test-" + std::to_string(::getpid());
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  ASSERT_EQ(0, ::bind(abstract.get(), reinterpret_cast<const sockaddr*>(&address),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())));
  EXPECT_EQ(address_of(abstract.get()), "") << "it does not listen yet";
  ASSERT_EQ(0, ::listen(abstract.get(), 1));
  EXPECT_EQ(address_of(abstract.get()), "unix:@" + name);
  EXPECT_EQ(address_of(Descriptor(::socket(AF_INET, SOCK_DGRAM, 0)).get()), "");
  EXPECT_EQ(address_of(Descriptor(::open("/dev/null", O_RDONLY)).get()), "");
}

// A new socket's and an inherited one's: what connections are to have is set in either case.
TEST(AdoptListeningSocket, SetsTheOptionsThatAnotherConfigurationHad) {
  const auto option = [](int descriptor, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(0, ::getsockopt(descriptor, level, name, &value, &size));
    return value;
  };
  const ListeningOptions before{.nodelay = true,
                                .keepalive = std::chrono::seconds(60),
                                .user_timeout = std::chrono::seconds(60),
                                .notsent_lowat = 32768};
  const auto socket = (*open_listening_sockets(*parse_endpoint("127.0.0.1:0"), before))[0];
  const auto adopted = adopt_listening_socket(socket.descriptor, {.nodelay = false});
  EXPECT_EQ(adopted.address, socket.address);
  EXPECT_EQ(option(adopted.descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(adopted.descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(adopted.descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  EXPECT_EQ(option(adopted.descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 0);
  close_listening_socket(adopted);
}

}  // namespace
}  // namespace fairlead
