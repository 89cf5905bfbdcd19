// Channels between processes, both ends in this one: what the kernel does with descriptors.
#include "common/io/descriptor_channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "tests/integration/loop_thread.hpp"

namespace fairlead {
namespace {

struct Heard {
  std::string bytes;
  std::vector<int> descriptors;
  std::vector<std::string> events;  // "sent", "ended"
};

// A channel on a loop, and what it has told.
class End final : public DescriptorChannelClient {
 public:
  End(LoopThread& thread, Descriptor socket) : thread_(thread) {
    thread.call([&] { channel.emplace(thread.loop(), std::move(socket), *this); });
  }
  ~End() {
    thread_.call([this] { channel.reset(); });
    for (const int descriptor : heard.now().descriptors) ::close(descriptor);
  }

  void start() {
    thread_.call([this] { channel->start(); });
  }
  DescriptorChannel::Sending send(const std::string& message, const std::vector<int>& passed = {}) {
    return thread_.call([&] { return channel->send(message, passed); });
  }
  bool has(const std::string& event, std::ptrdiff_t times = 1) {
    return heard.wait_until(
        [&](const Heard& now) { return std::ranges::count(now.events, event) >= times; });
  }
  bool has_bytes(std::size_t count) {
    return heard.wait_until([count](const Heard& now) { return now.bytes.size() >= count; });
  }

  void received(Bytes bytes, const std::vector<int>& descriptors) override {
    heard.change([&](Heard& now) {
      now.bytes += bytes;
      now.descriptors.insert(now.descriptors.end(), descriptors.begin(), descriptors.end());
    });
  }
  void sent() override {
    heard.change([](Heard& now) { now.events.push_back("sent"); });
  }
  void ended() override {
    heard.change([](Heard& now) { now.events.push_back("ended"); });
  }

  Watched<Heard> heard;
  std::optional<DescriptorChannel> channel;  // the loop's

 private:
  LoopThread& thread_;
};

struct DescriptorChannelTest : testing::Test {
  DescriptorChannelTest() : DescriptorChannelTest(DescriptorChannel::make_pair()) {}
  explicit DescriptorChannelTest(std::pair<Descriptor, Descriptor> pair)
      : one(thread, std::move(pair.first)), other(std::move(pair.second)) {}

  // What somebody who knows nothing of channels would read.
  std::string read_other(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t more = ::recv(other.get(), bytes.data() + got, size - got, 0);
      if (more < 0 && errno == EAGAIN) continue;
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    bytes.resize(got);
    return bytes;
  }

  LoopThread thread;
  End one;
  Descriptor other;
};

TEST_F(DescriptorChannelTest, CarriesBytesAndTheMostDescriptorsThatTheKernelPasses) {
  End second(thread, std::move(other));
  second.start();
  const Descriptor source(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(one.send("first"), DescriptorChannel::Sending::begun);
  EXPECT_EQ(one.send("second", std::vector<int>(kPassedDescriptorsMax, source.get())),
            DescriptorChannel::Sending::begun);
  ASSERT_TRUE(one.has("sent", 2));
  ASSERT_TRUE(second.has_bytes(11));
  const Heard heard = second.heard.now();
  EXPECT_EQ(heard.bytes, "firstsecond");
  ASSERT_EQ(heard.descriptors.size(), kPassedDescriptorsMax);
  for (const int descriptor : heard.descriptors)
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), FD_CLOEXEC) << "no child gets it";
}

TEST_F(DescriptorChannelTest, SendsWhatTheKernelHasNoRoomForLaterAndTellsOnceItHasAll) {
  const std::string much(std::size_t{4} << 20, 'x');
  EXPECT_EQ(one.send(much), DescriptorChannel::Sending::begun);
  EXPECT_EQ(one.send("end"), DescriptorChannel::Sending::begun);
  EXPECT_TRUE(thread.call([this] { return one.channel->is_sending(); }));
  EXPECT_TRUE(one.heard.now().events.empty()) << "the kernel has a part";
  EXPECT_EQ(read_other(much.size()), much);
  EXPECT_EQ(read_other(3), "end");
  EXPECT_TRUE(one.has("sent", 2));
}

TEST_F(DescriptorChannelTest, TellsWhatWasSentBeforeTheEnd) {
  one.start();
  thread.call([this] {
    one.channel->send("last words");
    other = Descriptor();
  });
  ASSERT_TRUE(one.has("ended"));
  EXPECT_EQ(one.heard.now().events, (std::vector<std::string>{"sent", "ended"}));
}

TEST_F(DescriptorChannelTest, DeliversWhatHadComeBeforeTheEnd) {
  ASSERT_EQ(::send(other.get(), "words", 5, 0), 5);
  other = Descriptor();
  one.start();
  ASSERT_TRUE(one.has("ended"));
  EXPECT_EQ(one.heard.now().bytes, "words");
}

TEST_F(DescriptorChannelTest, EndsWhereNobodyTakesWhatIsSent) {
  ASSERT_EQ(::shutdown(other.get(), SHUT_RD), 0);
  one.send("words");
  ASSERT_TRUE(one.has("ended"));
  EXPECT_EQ(one.heard.now().events, std::vector<std::string>{"ended"});
}

TEST_F(DescriptorChannelTest, LetsTheOtherSideSendNothingOnceItHasStoppedReceiving) {
  one.start();
  const std::string received = thread.call([this] {
    EXPECT_EQ(::send(other.get(), "before", 6, 0), 6);
    return one.channel->stop_receiving();
  });
  EXPECT_EQ(received, "before");
  EXPECT_EQ(::send(other.get(), "behind", 6, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(one.heard.now().bytes, "");
}

TEST_F(DescriptorChannelTest, SendsOnWhileItRests) {
  one.start();
  const std::string much(std::size_t{2} << 20, 'x');
  one.send(much);
  thread.call([this] { one.channel->rest(); });
  ASSERT_EQ(::send(other.get(), "unheard", 7, 0), 7);
  EXPECT_EQ(read_other(much.size()), much);
  EXPECT_TRUE(one.has("sent"));
  EXPECT_EQ(one.heard.now().bytes, "");
}

TEST_F(DescriptorChannelTest, GivesTheFirstDescriptorsWhereTheProcessHasNoRoomForAll) {
  End second(thread, std::move(other));
  const Descriptor source(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  one.send("x", std::vector<int>(100, source.get()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto lowest_free = static_cast<rlim_t>(::dup(source.get()));
  ::close(static_cast<int>(lowest_free));
  const rlimit few{lowest_free + 3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  second.start();
  const bool has_come = second.has_bytes(1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(has_come);
  EXPECT_LT(second.heard.now().descriptors.size(), 100U);
}

TEST_F(DescriptorChannelTest, KnowsWhetherTheOtherProcessStillHasItsEnd) {
  const Descriptor ours = thread.call([this] { return one.channel->release(); });
  EXPECT_TRUE(is_held_by_other(ours));
  ASSERT_EQ(::shutdown(other.get(), SHUT_RD), 0);
  EXPECT_TRUE(is_held_by_other(ours)) << "it only reads no more";
  other = Descriptor();
  EXPECT_FALSE(is_held_by_other(ours));
}

}  // namespace
}  // namespace fairlead
