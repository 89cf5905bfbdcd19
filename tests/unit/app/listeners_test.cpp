#include "server/app/listeners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

std::string echo_config(const std::string& listeners) {
  return "[service.echo]\ntype = echo\n" + listeners;
}

Socket connect_to_path(const std::string& path) {
  Socket client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  client.give_up_after(60);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  return client;
}

TEST(OpenListeners, OpensEveryAddressOnceWhereTheListenerIsShared) {
  const SettingsSnapshot settings =
      settings_from(echo_config("[server]\nthreads = 3\n"
                                "[listener.main]\nbind = 127.0.0.1:0, [::1]:0\nservice = echo\n"));
  const auto opened = open_listeners(*settings);
  ASSERT_TRUE(opened) << opened.error().what;
  ASSERT_EQ(opened->size(), 2U);
  for (const OpenedListener& listener : *opened) EXPECT_EQ(listener.shard, 0U);
  close_listeners(*opened);
}

TEST(OpenListeners, OpensEveryTcpAddressForEachShardWithReuseport) {
  const TestFolder folder;
  const SettingsSnapshot settings =
      settings_from(echo_config("[server]\nthreads = 3\naccept = reuseport\n"
                                "[listener.main]\nservice = echo\nbind = unix:" +
                                folder / "socket" + ", 127.0.0.1:0\n"));
  const auto opened = open_listeners(*settings);
  ASSERT_TRUE(opened) << opened.error().what;
  ASSERT_EQ(opened->size(), 4U) << "a unix socket cannot be opened twice";
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ((*opened)[1 + shard].shard, shard);
    EXPECT_EQ((*opened)[1 + shard].socket.address.port, (*opened)[1].socket.address.port);
  }
  close_listeners(*opened);
}

TEST(OpenListeners, LeaveNothingOpenWhenOneFails) {
  const TestFolder folder;
  const Socket other = new_socket();
  sockaddr_in address = loopback(0);
  ASSERT_EQ(0, ::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  ASSERT_EQ(0, ::listen(other.get(), 1));
  socklen_t size = sizeof address;
  ASSERT_EQ(0, ::getsockname(other.get(), reinterpret_cast<sockaddr*>(&address), &size));
  const SettingsSnapshot settings = settings_from(
      echo_config("[listener.first]\nservice = echo\nbind = unix:" + folder / "socket" +
                  "\n[listener.second]\nservice = echo\nbind = 127.0.0.1:" +
                  std::to_string(ntohs(address.sin_port)) + "\n"));
  const auto opened = open_listeners(*settings);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().exit_status, kExitRuntimeFailure);
  EXPECT_THAT(opened.error().what, HasSubstr("(listener second)"));
  EXPECT_FALSE(std::filesystem::exists(folder / "socket"));
}

TEST(Listeners, CloseOneListenerAndServeItsSessionsAndTheOthersOn) {
  RunningDaemon running(kTwoListeners);
  running.open();
  running.run();
  const Socket client = running.connect("main");
  expect_echo(client, "before\n");
  const std::uint16_t port = running.port("main");
  std::promise<void> closed;
  running.call([&] { running.listeners().close("main", [&] { closed.set_value(); }); });
  closed.get_future().wait();
  EXPECT_TRUE(refuses(port));
  expect_echo(client, "after\n");
  expect_echo(running.connect("other"), "other\n");
}

TEST(Listeners, CallsDoneForAListenerThatIsNotThere) {
  RunningDaemon running(kTwoListeners);
  running.open();
  running.run();
  bool done = false;
  running.call([&] { running.listeners().close("nowhere", [&] { done = true; }); });
  EXPECT_TRUE(done);
  expect_echo(running.connect("main"), "main\n");
}

TEST(Listeners, ADrainWaitsForAListenerThatIsBeingClosed) {
  RunningDaemon running(kTwoListeners);
  running.open();
  running.run();
  bool is_closed = false;
  running.call([&] {
    running.listeners().close("main", [&] { is_closed = true; });
    running.daemon().request_stop(StopRequest::drain);
  });
  EXPECT_TRUE(running.outcome());
  EXPECT_TRUE(is_closed);
}

TEST(Listeners, AcceptsFromSocketsThatWereOpenedBefore) {
  RunningDaemon running(kTwoListeners);
  const auto opened = open_listeners(*running.settings);
  running.listeners().add(running.settings, *opened);
  running.run();
  for (const OpenedListener& listener : *opened) {
    const Socket client = new_socket();
    connect_to(client, listener.socket.address.port);
    expect_echo(client, listener.name + "\n");
  }
}

TEST(Listeners, RemovesThePathOfAUnixSocketWithItsListener) {
  const TestFolder folder;
  const std::string path = folder / "socket";
  RunningDaemon running(kTwoListeners + "[listener.local]\nservice = echo\nbind = unix:" + path +
                        "\n");
  running.open();
  running.run();
  const Socket client = connect_to_path(path);
  expect_echo(client, "before\n");
  std::promise<void> closed;
  running.call([&] { running.listeners().close("local", [&] { closed.set_value(); }); });
  closed.get_future().wait();
  EXPECT_FALSE(std::filesystem::exists(path));
  expect_echo(client, "after\n");
}

TEST(Listeners, RemovesThePathOfAUnixSocketThatWasNeverAcceptedFrom) {
  const TestFolder folder;
  const std::string path = folder / "socket";
  {
    RunningDaemon opened_only(
        echo_config("[listener.local]\nservice = echo\nbind = unix:" + path + "\n"));
    opened_only.open();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace fairlead
