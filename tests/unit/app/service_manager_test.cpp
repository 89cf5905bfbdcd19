#include "server/app/service_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstdlib>

#include "tests/support/fakes.hpp"
#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

using testing::MatchesRegex;
using testing::SizeIs;

// $NOTIFY_SOCKET.
class Listening {
 public:
  explicit Listening(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  std::string next() {
    char text[512];
    const ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  Descriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

struct ServiceManagerTest : testing::Test {
  void run(ServiceManager& manager) {
    running.daemon().add(manager);
    running.open();
    running.run();
  }

  // Before the manager has gone.
  void end() {
    running.daemon().request_stop(StopRequest::drain);
    EXPECT_TRUE(running.outcome());
  }

  DatagramSender sender() const {
    std::error_code error;
    return {path, error};
  }

  RunningDaemon running{kTwoListeners};
  const std::string path = running.folder / "notify";
  CapturingLog log;
};

TEST_F(ServiceManagerTest, IsToldOfAReloadAndWhatCameOfIt) {
  Listening listening(path);
  ServiceManager manager(running.daemon(), log, {.socket = path});
  run(manager);
  EXPECT_EQ(listening.next(), "READY=1\nSTATUS=serving 0 connections");
  running.call([&] {
    manager.reloading();
    manager.status("reload refused: 3 errors");
    manager.ready();
    manager.main_pid(4711);
  });
  EXPECT_THAT(listening.next(),
              MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+\nSTATUS=serving 0 connections"));
  EXPECT_EQ(listening.next(), "STATUS=serving 0 connections; reload refused: 3 errors");
  EXPECT_EQ(listening.next(), "READY=1\nSTATUS=serving 0 connections; reload refused: 3 errors");
  EXPECT_EQ(listening.next(), "MAINPID=4711");
  end();
}

TEST_F(ServiceManagerTest, HearsNothingOnceAnotherProcessIsTheService) {
  Listening listening(path);
  ServiceManager manager(running.daemon(), log,
                         {.socket = path, .watchdog = std::chrono::milliseconds(1)});
  run(manager);
  running.call([&] { manager.main_pid(4711); });
  while (listening.next() != "MAINPID=4711") {
  }
  DatagramSender end_mark = sender();
  end();
  end_mark.send("end");
  EXPECT_EQ(listening.next(), "end") << "no state, no status and no watchdog";
}

TEST_F(ServiceManagerTest, HearsNothingBeforeThisProcessIsTheService) {
  Listening listening(path);
  ServiceManager manager(running.daemon(), log, {.socket = path});
  manager.wait_for_order();
  run(manager);
  running.call([&] { manager.status("waits"); });
  sender().send("mark");
  EXPECT_EQ(listening.next(), "mark");
  running.call([&] { manager.begin(); });
  EXPECT_EQ(listening.next(), "READY=1\nSTATUS=serving 0 connections; waits");
  end();
}

TEST_F(ServiceManagerTest, HearsNothingOfReadyBehindTheBeginningOfAStop) {
  Listening listening(path);
  ServiceManager manager(running.daemon(), log, {.socket = path});
  run(manager);
  listening.next();
  running.call([&] {
    manager.stopping();
    manager.reloading();
    manager.ready();
    manager.main_pid(1);
  });
  EXPECT_EQ(listening.next(), "STOPPING=1\nSTATUS=draining, 0 connections left");
  EXPECT_EQ(listening.next(), "EXTEND_TIMEOUT_USEC=15000000");
  EXPECT_EQ(listening.next(), "MAINPID=1");
  end();
}

TEST_F(ServiceManagerTest, WithoutOneNothingIsDone) {
  ServiceManager manager(running.daemon(), log, {.watchdog = std::chrono::microseconds(1)});
  run(manager);
  running.call([&] {
    manager.reloading();
    manager.status("note");
    manager.ready();
    manager.stopping();
  });
  end();
  EXPECT_THAT(log.events, SizeIs(0));
}

TEST(StopExtension, AsksForMoreUntilAMinuteBehindTheDeadline) {
  using namespace std::chrono_literals;
  constexpr TimePoint kNow{1h};
  EXPECT_EQ(stop_extension(kNever, kNow), 15s);
  EXPECT_EQ(stop_extension(kNow + 24h, kNow), 15s);
  EXPECT_EQ(stop_extension(kNow - 45s, kNow), 15s);
  EXPECT_EQ(stop_extension(kNow - 50s, kNow), 10s);
  EXPECT_EQ(stop_extension(kNow - 60s, kNow), 0s);
  EXPECT_EQ(stop_extension(kNow - 24h, kNow), 0s);
}

struct ContactTest : testing::Test {
  ~ContactTest() override { ServiceManagerContact::take_from_environment(); }

  static ServiceManagerContact taken(const char* watchdog, const std::string& pid) {
    ::setenv("NOTIFY_SOCKET", "@name", 1);
    ::setenv("WATCHDOG_USEC", watchdog, 1);
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    return ServiceManagerContact::take_from_environment();
  }
};

TEST_F(ContactTest, IsTakenOutOfTheEnvironmentSoThatNoChildHasIt) {
  const auto contact = taken("3000000", std::to_string(::getpid()));
  EXPECT_EQ(contact.socket, "@name");
  EXPECT_EQ(contact.watchdog, std::chrono::seconds(3));
  for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    EXPECT_EQ(::getenv(name), nullptr) << name;
  EXPECT_EQ(ServiceManagerContact::take_from_environment().socket, "");
}

TEST_F(ContactTest, AWatchdogOfAnotherProcessOrWithoutATimeIsNone) {
  EXPECT_EQ(taken("3000000", "1").watchdog.count(), 0);
  EXPECT_EQ(taken("3000000", "nonsense").watchdog.count(), 0);
  EXPECT_EQ(taken("3000000", "").watchdog, std::chrono::seconds(3));
  for (const char* const time : {"", "0", "-1", "1s", "infinity"})
    EXPECT_EQ(taken(time, "").watchdog.count(), 0) << time;
  EXPECT_GT(taken("18446744073709551615", "").watchdog.count(), 0);
}

}  // namespace
}  // namespace fairlead
