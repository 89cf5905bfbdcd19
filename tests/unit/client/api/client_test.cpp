#include "client/api/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/fake_network.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClientTest : public testing::Test, public ClientObserver {
 protected:
  ClientTest() { settings.server = {.host = "example", .port = 7878, .path = {}}; }

  void open() {
    client = std::make_unique<Client>(loop.shard, loop.network, settings, *this);
    loop.turn([this] { client->open(); });
  }
  void resolve() { loop.resolve("example:7878", Resolved{.addresses = {v4(1)}}); }
  FakeConnection& connect() {
    resolve();
    return loop.connect("192.0.2.1:7878");
  }
  void refuse() {
    resolve();
    loop.refuse("192.0.2.1:7878");
  }

  void on_ready(const Destination& destination) override {
    events.push_back("ready " + destination.text());
    if (close_when_ready) client->close();
  }
  void on_frame(const Frame& frame) override { events.emplace_back(frame.payload); }
  void on_deadline() override { events.emplace_back("deadline"); }
  void on_retry(const Failure&, Duration wait) override {
    events.emplace_back("retry");
    waits.push_back(wait);
  }
  void on_ended(const Failure& failure) override {
    events.emplace_back("ended");
    end = failure;
    client.reset();
  }

  FakeLoop loop;
  ClientSettings settings;
  std::unique_ptr<Client> client;
  std::vector<std::string> events;
  std::vector<Duration> waits;
  Failure end;
  bool close_when_ready = false;
};

TEST_F(ClientTest, ConnectsExchangesAndEndsWithTheServer) {
  open();
  EXPECT_EQ(client->connection(), nullptr);
  FakeConnection& server = connect();
  ASSERT_NE(client->connection(), nullptr);
  loop.turn([this] { client->connection()->send("hi"); });
  EXPECT_EQ(server.received(), "hi");
  loop.deliver(server, "yes\n");
  loop.end(server);
  EXPECT_THAT(events, ElementsAre("ready 192.0.2.1:7878", "yes", "ended"));
  EXPECT_EQ(end.kind, FailureKind::none);
}

TEST_F(ClientTest, WithoutReconnectAFailureIsTheEnd) {
  open();
  refuse();
  EXPECT_THAT(events, ElementsAre("ended"));
  EXPECT_EQ(end.kind, FailureKind::refused);
}

TEST_F(ClientTest, TriesAgainAfterGrowingWaits) {
  settings.reconnect = {.when = ReconnectSettings::When::until_connected};
  open();
  for (int i = 0; i < 4; ++i) {
    refuse();
    ASSERT_EQ(waits.size(), static_cast<std::size_t>(i + 1));
    EXPECT_THAT(loop.network.open(), IsEmpty());
    loop.pass(waits.back() - Duration(10));
    EXPECT_THAT(loop.network.open(), IsEmpty()) << "not before the wait is over";
    loop.pass(Duration(20));
    EXPECT_THAT(loop.network.open(), ElementsAre("example:7878"));
  }
  EXPECT_GT(waits[3], waits[0] * 2);
  connect();
  EXPECT_EQ(events.back(), "ready 192.0.2.1:7878");
}

TEST_F(ClientTest, UntilConnectedDoesNotTryAgainWhenAConnectionIsLost) {
  settings.reconnect = {.when = ReconnectSettings::When::until_connected};
  open();
  loop.fail(connect(), StreamError::reset);
  EXPECT_EQ(events.back(), "ended");
  EXPECT_EQ(end.kind, FailureKind::reset);
}

TEST_F(ClientTest, AlwaysTriesAgainWhenAConnectionIsLostOrEnded) {
  settings.reconnect = {.when = ReconnectSettings::When::always};
  open();
  loop.fail(connect(), StreamError::reset);
  EXPECT_EQ(events.back(), "retry");
  EXPECT_EQ(client->connection(), nullptr);
  loop.pass(waits.back() + Duration(10));
  loop.end(connect());
  EXPECT_EQ(events.back(), "retry");
}

TEST_F(ClientTest, StopsAfterTheMaximumOfRetries) {
  settings.reconnect = {.when = ReconnectSettings::When::always, .retries_max = 2};
  open();
  refuse();
  loop.pass(waits.back() + Duration(10));
  refuse();
  loop.pass(waits.back() + Duration(10));
  refuse();
  EXPECT_THAT(events, ElementsAre("retry", "retry", "ended"));
}

TEST_F(ClientTest, ALongConnectionResetsTheWaits) {
  settings.reconnect = {.when = ReconnectSettings::When::always, .retries_max = 4};
  open();
  for (int i = 0; i < 3; ++i) {
    refuse();
    loop.pass(waits.back() + Duration(10));
  }
  FakeConnection& server = connect();
  loop.pass(Duration(20'000));
  loop.fail(server, StreamError::reset);
  EXPECT_LE(waits.back(), Duration(200));
}

TEST_F(ClientTest, AShortConnectionDoesNotResetTheWaits) {
  settings.reconnect = {.when = ReconnectSettings::When::always};
  open();
  for (int i = 0; i < 6; ++i) {
    loop.fail(connect(), StreamError::reset);
    loop.pass(waits.back() + Duration(10));
  }
  EXPECT_GE(waits.back(), Duration(3200));
}

TEST_F(ClientTest, AFinalFailureIsNotRetried) {
  settings.reconnect = {.when = ReconnectSettings::When::always};
  settings.connection.protocol = Protocol::framed;
  open();
  loop.deliver(connect(), "not framed");
  EXPECT_EQ(events.back(), "ended");
  EXPECT_EQ(end.kind, FailureKind::bad_protocol);
}

TEST_F(ClientTest, AFramedServerThatSaysNothingIsATimeout) {
  settings.connection.protocol = Protocol::framed;
  settings.dial.timeout = Duration(3000);
  open();
  connect();
  loop.pass(Duration(2980));
  EXPECT_THAT(events, IsEmpty());
  loop.pass(Duration(50));
  EXPECT_THAT(events, ElementsAre("ended"));
  EXPECT_EQ(end.kind, FailureKind::connect_timeout);
  EXPECT_THAT(end.what, HasSubstr("HELLO"));
}

TEST_F(ClientTest, TheDeadlineRingsOnceAndMayBeMoved) {
  open();
  connect();
  client->set_deadline(loop.now() + Duration(100));
  client->set_deadline(loop.now() + Duration(500));
  loop.pass(Duration(450));
  EXPECT_EQ(events.size(), 1u);
  loop.pass(Duration(2000));
  EXPECT_THAT(events, ElementsAre("ready 192.0.2.1:7878", "deadline"));
}

TEST_F(ClientTest, AServerThatDoesNotOpenTheServiceIsATimeout) {
  settings.connection.protocol = Protocol::framed;
  settings.connection.service = "files";
  open();
  loop.deliver(connect(), std::string("\xff"
                                      "FLD\1\0\0\0"
                                      "\0\0\0\xb\1\0\0\0\0\0\0\0"
                                      "\0\1\0\x40\0\0\1\0\0\0\0",
                                      31));
  loop.pass(settings.dial.timeout + Duration(20));
  EXPECT_THAT(events, ElementsAre("ended"));
  EXPECT_EQ(end.kind, FailureKind::connect_timeout);
  EXPECT_THAT(end.what, HasSubstr("service"));
}

TEST_F(ClientTest, APauseIsNoSilence) {
  open();
  FakeConnection& server = connect();
  loop.turn([this] {
    client->pause_until(loop.now() + Duration(60'000));
    client->watch_silence(Duration(10'000));
  });
  loop.pass(Duration(64'000));
  EXPECT_THAT(server.received(), IsEmpty());
  loop.pass(Duration(5'000));
  EXPECT_EQ(events.size(), 1u);
  loop.pass(Duration(2'000));
  EXPECT_EQ(events.back(), "deadline");
}

// The client may be closed in any state; on_ended never comes within the call.
TEST_F(ClientTest, CloseWhileResolving) {
  open();
  loop.turn([this] {
    client->close();
    EXPECT_THAT(events, IsEmpty());
  });
  loop.pass(Duration(20));
  EXPECT_THAT(events, ElementsAre("ended"));
  EXPECT_EQ(end.kind, FailureKind::none);
  EXPECT_THAT(loop.network.open(), IsEmpty());
}

TEST_F(ClientTest, CloseWhileWaitingToTryAgain) {
  settings.reconnect = {.when = ReconnectSettings::When::always};
  open();
  refuse();
  loop.turn([this] { client->close(); });
  loop.pass(Duration(60'000));
  EXPECT_THAT(events, ElementsAre("retry", "ended"));
}

TEST_F(ClientTest, CloseWithinOnReady) {
  settings.reconnect = {.when = ReconnectSettings::When::always};
  close_when_ready = true;
  open();
  connect();
  EXPECT_THAT(events, ElementsAre("ready 192.0.2.1:7878", "ended"));
}

}  // namespace
}  // namespace fairlead
