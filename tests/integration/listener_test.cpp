// Listener and listening sockets: what accepted connections are like, and what a shortage does.
#include "common/io/listener.hpp"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/base/descriptor.hpp"
#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Keeps every connection it is given, each with its recorder.
class Host final : public ListenerClient {
 public:
  struct Counts {
    std::size_t accepted = 0;
    std::size_t turned_away = 0;
    int failures = 0;
    std::vector<std::thread::id> threads;
  };

  Host(LoopThread& own, LoopThread& serving) : own_(own), serving_(serving), reserve_(none_) {}
  Host(LoopThread& own, LoopThread& serving, DescriptorReserve& kept)
      : own_(own), serving_(serving), reserve_(kept) {}
  ~Host() {
    if (listener_) stop();
    own_.call([this] { listener_.reset(); });
  }

  std::uint16_t listen(const ListeningOptions& options = {}) {
    const ListeningSockets opened = open_listening_sockets(
        {.kind = Endpoint::Kind::tcp, .host = "127.0.0.1", .port = 0, .path = {}}, options);
    EXPECT_TRUE(opened);
    const ListeningSocket socket = opened->at(0);
    own_.call(
        [&] { listener_ = std::make_unique<Listener>(own_.loop(), socket, *this, reserve_); });
    return socket.address.port;
  }
  void start() {
    own_.call([this] { listener_->start(); });
  }
  void change(const ListeningOptions& options) {
    own_.call([&] { set_connection_options(listener_->socket().descriptor, options); });
  }
  // Waits until nobody more will be handed over.
  void stop() {
    Watched<bool> stopped;
    own_.call([this, &stopped] {
      listener_->stop([&stopped] { stopped.change([](bool& now) { now = true; }); });
    });
    EXPECT_TRUE(stopped.wait_until([](bool now) { return now; }));
  }

  // Waits until it has paused.
  void pause() {
    Watched<bool> paused;
    own_.call([this, &paused] {
      listener_->pause([&paused] { paused.change([](bool& now) { now = true; }); });
    });
    EXPECT_TRUE(paused.wait_until([](bool now) { return now; }));
  }
  void resume() {
    own_.call([this] { listener_->resume(); });
  }

  ByteStream& first() { return *streams_.front(); }

  // For a test that is on the loop's thread itself.
  void start_here() { listener_->start(); }
  void stop_here() {
    listener_->stop([] {});
  }
  void pause_here(std::function<void()> paused) { listener_->pause(std::move(paused)); }
  void resume_here() { listener_->resume(); }
  int descriptor_here() const { return listener_->socket().descriptor; }

  Loop& place() override { return serving_.loop(); }
  void accepted(Loop& loop, std::unique_ptr<ByteStream> stream, const PeerAddress&) override {
    EXPECT_EQ(&serving_.loop(), &loop);
    streams_.push_back(std::move(stream));
    counts.change([](Counts& now) {
      ++now.accepted;
      now.threads.push_back(std::this_thread::get_id());
    });
  }
  void turned_away(Loop& loop, std::unique_ptr<ByteStream> stream, const PeerAddress&) override {
    EXPECT_EQ(&own_.loop(), &loop);
    streams_.push_back(std::move(stream));
    counts.change([](Counts& now) { ++now.turned_away; });
  }
  void accept_failed(const std::string& why) override {
    EXPECT_FALSE(why.empty());
    counts.change([](Counts& now) { ++now.failures; });
  }

  bool wait_for_accepted(std::size_t count) {
    return counts.wait_until([count](const Counts& now) { return now.accepted >= count; });
  }

  // On the loop's thread, before it ends: nothing was started, so nothing is pending.
  void drop_connections() {
    serving_.call([this] { streams_.clear(); });
  }

  Watched<Counts> counts;

 private:
  LoopThread& own_;
  LoopThread& serving_;
  DescriptorReserve none_{0};
  DescriptorReserve& reserve_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<ByteStream>> streams_;
};

// The descriptor in this process whose peer is the other end of `client`.
int other_end_of(const Socket& client) {
  sockaddr_in wanted{};
  socklen_t size = sizeof wanted;
  ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&wanted), &size);
  DIR* const descriptors = ::opendir("/proc/self/fd");
  int found = -1;
  while (const dirent* entry = ::readdir(descriptors)) {
    const int descriptor = std::atoi(entry->d_name);
    sockaddr_in peer{};
    size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == wanted.sin_port)
      found = descriptor;
  }
  ::closedir(descriptors);
  return found;
}

// The daemon sets its options once, on the listening socket, and relies on this.
TEST(ListenerTest, AcceptedSocketsInheritEveryOption) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen({.nodelay = true,
                                          .keepalive = std::chrono::seconds(77),
                                          .user_timeout = std::chrono::seconds(44),
                                          .notsent_lowat = 32768,
                                          .send_buffer = 50000,
                                          .receive_buffer = 60000});
  host.start();
  const Socket client = new_socket();
  connect_to(client, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  const int accepted = other_end_of(client);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(1, option(accepted, IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(1, option(accepted, SOL_SOCKET, SO_KEEPALIVE));
  EXPECT_EQ(77, option(accepted, IPPROTO_TCP, TCP_KEEPIDLE));
  EXPECT_EQ(15, option(accepted, IPPROTO_TCP, TCP_KEEPINTVL));
  EXPECT_EQ(4, option(accepted, IPPROTO_TCP, TCP_KEEPCNT));
  EXPECT_EQ(44000, option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT));
  EXPECT_EQ(32768, option(accepted, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
  EXPECT_EQ(2 * 50000,
            option(accepted, SOL_SOCKET, SO_SNDBUF));  // the kernel doubles it (socket(7))
  EXPECT_EQ(2 * 60000, option(accepted, SOL_SOCKET, SO_RCVBUF));
  host.drop_connections();
}

TEST(ListenerTest, OptionsThatAreOffAreOff) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen({.nodelay = false});
  host.start();
  const Socket client = new_socket();
  connect_to(client, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  const int accepted = other_end_of(client);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(0, option(accepted, IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(0, option(accepted, SOL_SOCKET, SO_KEEPALIVE));
  EXPECT_EQ(0, option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT));
  host.drop_connections();
}

TEST(ListenerTest, OptionsThatChangeAreThoseOfTheNextConnection) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen({.nodelay = true,
                                          .keepalive = std::chrono::seconds(77),
                                          .user_timeout = std::chrono::seconds(44),
                                          .notsent_lowat = 32768});
  host.start();
  host.change({.nodelay = false, .user_timeout = std::chrono::seconds(5)});
  const Socket plain = new_socket();
  connect_to(plain, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  const int without = other_end_of(plain);
  ASSERT_GE(without, 0);
  EXPECT_EQ(0, option(without, IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(0, option(without, SOL_SOCKET, SO_KEEPALIVE));
  EXPECT_EQ(5000, option(without, IPPROTO_TCP, TCP_USER_TIMEOUT));
  EXPECT_EQ(0, option(without, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
  host.change({.keepalive = std::chrono::seconds(9), .notsent_lowat = 4096});
  const Socket next = new_socket();
  connect_to(next, port);
  ASSERT_TRUE(host.wait_for_accepted(2));
  const int with = other_end_of(next);
  ASSERT_GE(with, 0);
  EXPECT_EQ(1, option(with, IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(9, option(with, IPPROTO_TCP, TCP_KEEPIDLE));
  EXPECT_EQ(0, option(with, IPPROTO_TCP, TCP_USER_TIMEOUT));
  EXPECT_EQ(4096, option(with, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
  host.drop_connections();
}

TEST(ListenerTest, ConnectionsLiveOnTheLoopThatWasChosen) {
  LoopThread accepting, serving;
  Host host(accepting, serving);
  const std::uint16_t port = host.listen();
  host.start();
  std::vector<Socket> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(new_socket());
    connect_to(clients.back(), port);
  }
  ASSERT_TRUE(host.wait_for_accepted(100));
  for (const std::thread::id id : host.counts.now().threads) EXPECT_EQ(serving.id(), id);
  host.drop_connections();
}

// Its socket belongs to the context of the loop that serves, whichever accepted it.
TEST(ListenerTest, AConnectionIsReadOnTheLoopThatWasChosen) {
  class Reading final : public StreamObserver {
   public:
    void on_bytes(Bytes bytes) override {
      got.change([bytes](std::pair<std::string, std::thread::id>& now) {
        now = {std::string(bytes), std::this_thread::get_id()};
      });
    }
    void on_end() override {}
    void on_silence() override {}
    void on_written(std::size_t) override {}
    void on_error(StreamError) override {}
    void on_finished() override {
      finished.change([](bool& now) { now = true; });
    }

    Watched<std::pair<std::string, std::thread::id>> got;
    Watched<bool> finished;
  };
  LoopThread accepting, serving;
  Host host(accepting, serving);
  const std::uint16_t port = host.listen();
  host.start();
  const Socket client = new_socket();
  connect_to(client, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  Reading reading;
  serving.call([&] { host.first().start(reading); });
  client.send_all("hello");
  ASSERT_TRUE(reading.got.wait_until([](const auto& now) { return now.first == "hello"; }));
  EXPECT_EQ(serving.id(), reading.got.now().second);
  serving.call([&] { host.first().terminate(TerminateManner::quiet); });
  ASSERT_TRUE(reading.finished.wait_until([](bool now) { return now; }));
  host.drop_connections();
}

TEST(ListenerTest, StopAcceptsThoseWhoWaitAndThenRefuses) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(new_socket());
    connect_to(clients.back(), port);  // the kernel's doing: the listener has not been started
  }
  host.stop();
  ASSERT_TRUE(host.wait_for_accepted(200));
  const Socket late = new_socket();
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(-1, ::connect(late.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  EXPECT_EQ(ECONNREFUSED, errno);
  host.drop_connections();
}

// The kernel may have given a connection to the pending accept whose handler is yet to run.
TEST(ListenerTest, StopLosesNobodyWhoIsJustBeingAccepted) {
  for (int round = 0; round < 5; ++round) {
    LoopThread thread;
    Host host(thread, thread);
    const std::uint16_t port = host.listen();
    const Socket first = new_socket();
    const Socket second = new_socket();
    connect_to(first, port);
    thread.call([&] {
      host.start_here();  // takes the first at once
      connect_to(second, port);
      host.stop_here();
    });
    ASSERT_TRUE(host.wait_for_accepted(2));
    host.drop_connections();
  }
}

TEST(ListenerTest, PausedItKeepsWhoComesWaitingAndResumedItAcceptsThem) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  host.start();
  const Socket before = new_socket();
  connect_to(before, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  for (std::size_t round = 1; round <= 3; ++round) {
    host.pause();
    std::vector<Socket> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(new_socket());
      connect_to(clients.back(), port);
    }
    EXPECT_EQ(host.counts.now().accepted, 1 + 100 * (round - 1));
    host.resume();
    ASSERT_TRUE(host.wait_for_accepted(1 + 100 * round));
  }
  host.drop_connections();
}

TEST(ListenerTest, ResumedBeforeItHasPausedItAcceptsOn) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  host.start();
  int paused = 0;
  thread.call([&] {
    host.pause_here([&paused] { ++paused; });
    host.resume_here();
  });
  const Socket client = new_socket();
  connect_to(client, port);
  ASSERT_TRUE(host.wait_for_accepted(1));
  EXPECT_EQ(thread.call([&] { return paused; }), 1);
  host.drop_connections();
}

// Another process has the same socket: neither does closing it reset whoever waits, nor is this
// loop woken for them any more (epoll(7), Q6).
TEST(ListenerTest, ClosedBehindAPauseItLeavesTheSocketAndWhoWaitsToAnotherProcess) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  host.start();
  const Descriptor other(thread.call([&] { return ::dup(host.descriptor_here()); }));
  host.pause();
  const Socket waiting = new_socket();
  connect_to(waiting, port);
  host.stop();
  EXPECT_EQ(host.counts.now().accepted, 0U);
  const auto before = thread.processor_time();
  for (int i = 0; i < 2000; ++i) {
    const Socket client = new_socket();
    connect_to(client, port);
    const Descriptor accepted(::accept(other.get(), nullptr, nullptr));
    ASSERT_TRUE(accepted);
  }
  EXPECT_LT(thread.processor_time() - before, std::chrono::milliseconds(2))
      << "2,000 wake-ups take ten times as long";
}

TEST(ListenerTest, AStopWhileAcceptingEndsIt) {
  LoopThread thread;
  Host host(thread, thread);
  host.listen();
  host.start();
  host.stop();
  host.stop();
  EXPECT_EQ(0U, host.counts.now().accepted);
}

class DescriptorLimit {
 public:
  DescriptorLimit() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~DescriptorLimit() { restore(); }

  // No further descriptor can be opened: the next one would be `highest + 1`.
  void allow_no_more() const {
    const int next = ::dup(0);
    ::close(next);
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(next);
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &low));
  }
  void restore() const { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(ListenerTest, WithoutDescriptorsItPausesAndThenAcceptsThoseWhoWaited) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  host.start();
  std::vector<Socket> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(new_socket());

  const DescriptorLimit limit;
  limit.allow_no_more();
  for (const Socket& client : clients) connect_to(client, port);
  ASSERT_TRUE(host.counts.wait_until([](const Host::Counts& now) { return now.failures > 0; }));
  EXPECT_EQ(0U, host.counts.now().accepted);
  limit.restore();
  ASSERT_TRUE(host.wait_for_accepted(10));
  EXPECT_EQ(1, host.counts.now().failures) << "one report a second at most";
  host.drop_connections();
}

// The reserve's descriptors serve those who wait, and are taken back as they are closed.
TEST(ListenerTest, WithoutDescriptorsThoseWhoWaitAreTurnedAwayOnTheReserve) {
  LoopThread thread;
  DescriptorReserve reserve(2);
  Host host(thread, thread, reserve);
  const std::uint16_t port = host.listen();
  host.start();
  std::vector<Socket> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(new_socket());

  const DescriptorLimit limit;
  limit.allow_no_more();
  for (const Socket& client : clients) connect_to(client, port);
  for (std::size_t turned_away = 2; turned_away <= 6; turned_away += 2) {
    ASSERT_TRUE(host.counts.wait_until(
        [turned_away](const Host::Counts& now) { return now.turned_away >= turned_away; }));
    EXPECT_EQ(turned_away, host.counts.now().turned_away) << "as many as are kept";
    host.drop_connections();
  }
  EXPECT_EQ(0U, host.counts.now().accepted);
  limit.restore();
}

// The pause costs no processor: the listening socket stays readable, and a loop that waited for it
// would spin.
TEST(ListenerTest, APausedListenerDoesNotSpin) {
  LoopThread thread;
  Host host(thread, thread);
  const std::uint16_t port = host.listen();
  host.start();
  const Socket client = new_socket();
  const DescriptorLimit limit;
  limit.allow_no_more();
  connect_to(client, port);
  // A second report follows the first after at least one second of retries.
  ASSERT_TRUE(host.counts.wait_until([](const Host::Counts& now) { return now.failures >= 1; }));
  const auto before = thread.processor_time();
  ASSERT_TRUE(host.counts.wait_until([](const Host::Counts& now) { return now.failures >= 2; }));
  EXPECT_LT(thread.processor_time() - before, std::chrono::milliseconds(300));
  limit.restore();
  ASSERT_TRUE(host.wait_for_accepted(1));
  host.drop_connections();
}

class ListeningSocketTest : public testing::Test {
 protected:
  ~ListeningSocketTest() override { std::filesystem::remove_all(folder_); }

  static Endpoint any_port() {
    return {.kind = Endpoint::Kind::tcp, .host = "127.0.0.1", .port = 0, .path = {}};
  }
  Endpoint unix_path() const {
    return {
        .kind = Endpoint::Kind::unix_socket, .host = {}, .port = 0, .path = folder_ + "/socket"};
  }

 private:
  std::string pattern_ = "/tmp/fairlead-listening-XXXXXX";
  const std::string folder_ = ::mkdtemp(pattern_.data());
};

TEST_F(ListeningSocketTest, SaysWhatFailedAndWhere) {
  const ListeningSockets first = open_listening_sockets(any_port(), {});
  ASSERT_TRUE(first);
  ASSERT_EQ(1U, first->size());
  const Endpoint address = first->front().address;
  const ListeningSockets second = open_listening_sockets(address, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().what, AllOf(HasSubstr(address.text()), HasSubstr("in use")));
  EXPECT_EQ(EADDRINUSE, second.error().error);
  EXPECT_FALSE(second.error().is_permission_denied());
  close_listening_socket(first->front());
}

TEST_F(ListeningSocketTest, ATrialFindsWhatOpeningWouldAndOpensNothing) {
  const ListeningOptions options{.reuse_port = true};
  const ListeningSockets held = open_listening_sockets(any_port(), options);
  ASSERT_TRUE(held);
  const Endpoint address = held->front().address;
  EXPECT_EQ(EADDRINUSE, try_listening(address, options).error().error);
  close_listening_socket(held->front());
  EXPECT_TRUE(try_listening(address, options));
  EXPECT_TRUE(try_listening(unix_path(), options));
  EXPECT_FALSE(std::filesystem::exists(unix_path().path));
}

TEST_F(ListeningSocketTest, ATrialOfAUnixSocketIsNotNoticedThere) {
  const ListeningSockets held = open_listening_sockets(unix_path(), {});
  ASSERT_TRUE(held);
  EXPECT_EQ(EADDRINUSE, try_listening(unix_path(), {}).error().error);
  EXPECT_EQ(-1, ::accept(held->front().descriptor, nullptr, nullptr));
  EXPECT_EQ(EAGAIN, errno);
  ::close(held->front().descriptor);  // as a daemon that is killed does
  EXPECT_TRUE(try_listening(unix_path(), {}));
  EXPECT_TRUE(std::filesystem::exists(unix_path().path));
}

TEST_F(ListeningSocketTest, ThePathOfASuccessorStays) {
  const ListeningSockets old = open_listening_sockets(unix_path(), {});
  ASSERT_TRUE(old);
  std::filesystem::remove(unix_path().path);
  const ListeningSockets successor = open_listening_sockets(unix_path(), {});
  ASSERT_TRUE(successor);
  close_listening_socket(old->front());
  EXPECT_TRUE(std::filesystem::exists(unix_path().path));
  close_listening_socket(successor->front());
  EXPECT_FALSE(std::filesystem::exists(unix_path().path));
}

}  // namespace
}  // namespace fairlead
