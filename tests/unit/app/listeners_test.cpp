#include "server/app/listeners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include "tests/support/fakes.hpp"
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

Outcome<OpenedListeners> opened_from(const SettingsSnapshot& settings) {
  CapturingLog log;
  return open_listeners(*settings, log);
}

std::string conflict(const std::string& bind, const std::string& more = "") {
  return conflict_of_names(
      *settings_from(echo_config(more + "[listener.main]\nservice = echo\nbind = " + bind + "\n")),
      [](Endpoint address) -> std::vector<Endpoint> {
        if (address.host != "localhost") return {address};
        Endpoint other = address;
        address.host = "127.0.0.1";
        other.host = "::1";
        return {other, address};
      });
}

TEST(ConflictOfNames, FindsAnAddressThatANameStandsFor) {
  EXPECT_EQ(conflict("localhost:7000, 127.0.0.1:7000"),
            "listener.main.bind: 127.0.0.1:7000 is 127.0.0.1:7000, which is already bound by "
            "listener.main, at localhost:7000; remove one of them");
  EXPECT_NE(conflict("0.0.0.0:7000, localhost:7000"), "") << "every address is in the way of each";
  EXPECT_NE(conflict("localhost:7000, [::1]:7000", "[server]\naccept = reuseport\n"), "");
}

TEST(ConflictOfNames, FindsNoneWhereThereIsNone) {
  EXPECT_EQ(conflict("localhost:7000, 127.0.0.1:7001, 127.0.0.2:7000"), "");
  EXPECT_EQ(conflict("localhost:0, 127.0.0.1:0"), "") << "the kernel chooses another port for each";
  EXPECT_EQ(conflict("0.0.0.0:7000, localhost:7000", "[server]\naccept = reuseport\n"), "");
}

TEST(OpenListeners, OpensEveryAddressOnceWhereTheListenerIsShared) {
  const SettingsSnapshot settings =
      settings_from(echo_config("[server]\nthreads = 3\n"
                                "[listener.main]\nbind = 127.0.0.1:0, [::1]:0\nservice = echo\n"));
  const auto opened = opened_from(settings);
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
  const auto opened = opened_from(settings);
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
  const auto opened = opened_from(settings);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().exit_status, kExitRuntimeFailure);
  EXPECT_THAT(opened.error().what, HasSubstr("(listener second)"));
  EXPECT_FALSE(std::filesystem::exists(folder / "socket"));
}

TEST(Listeners, RemovesThePathOfAUnixSocketWithItsListener) {
  const TestFolder folder;
  const std::string path = folder / "socket";
  RunningDaemon running(kTwoListeners + "[timeouts]\ndrain = 10m\n" +
                        "[listener.local]\nservice = echo\nbind = unix:" + path + "\n");
  running.open();
  running.run();
  const Socket client = connect_to_path(path);
  expect_echo(client, "before\n");
  running.daemon().request_stop(StopRequest::drain);
  while (std::filesystem::exists(path)) std::this_thread::yield();
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
