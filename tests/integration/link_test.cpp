// Link, the ByteStream over a socket, against the kernel itself.
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

constexpr int kSmallBuffers = 4096;
constexpr std::size_t kMiB = 1024 * 1024;

class LinkTest : public testing::Test {
 protected:
  // The near end becomes the recorder's; the far one stays the test's.
  Socket adopt_one_end(int buffers = 0) {
    Pair pair = connected_pair(buffers);
    link.adopt(pair.near.release());
    return std::move(pair.far);
  }

  bool wait_for_bytes(std::size_t size) {
    return link.reported.wait_until(
        [size](const Reported& now) { return now.bytes.size() >= size; });
  }

  LoopThread thread;
  Recorder link{thread};
};

TEST_F(LinkTest, DeliversWhatComesAndThenTheEndOnce) {
  const Socket far = adopt_one_end();
  far.send_all("hello");
  ASSERT_TRUE(wait_for_bytes(5));
  far.end_sending();
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  EXPECT_EQ("hello", link.reported.now().bytes);
  EXPECT_TRUE(link.reported.now().errors.empty());
}

// What is read of a client that has to wait lies in memory.
TEST_F(LinkTest, NoReadTakesMoreThanItsLoopAllows) {
  thread.call([this] { thread.loop().limit_reads(8 * 1024); });
  Pair pair = connected_pair();
  pair.far.send_all(std::string(100'000, 'x'));
  link.adopt(pair.near.release());
  ASSERT_TRUE(wait_for_bytes(100'000));
  EXPECT_GE(link.reported.now().deliveries, 100'000 / (8 * 1024));
}

// Or whoever has sent little waits for all of those who have sent much.
TEST_F(LinkTest, WhoeverCanBeReadInARoundSharesWhatItReads) {
  constexpr std::size_t kBytes = 32 * 1024;
  constexpr std::size_t kLinks = 120;
  std::vector<Socket> far;
  std::vector<std::unique_ptr<Recorder>> links;
  std::vector<int> near;
  for (std::size_t i = 0; i < kLinks; ++i) {
    Pair pair = connected_pair();
    pair.far.send_all(std::string(kBytes, 'x'));
    near.push_back(pair.near.release());
    far.push_back(std::move(pair.far));
    links.push_back(std::make_unique<Recorder>(thread));
  }
  thread.call([&] {
    for (std::size_t i = 0; i < kLinks; ++i) {
      links[i]->stream = thread.loop().adopt(near[i]);
      links[i]->stream->start(*links[i]);
    }
  });
  for (const auto& one : links) {
    ASSERT_TRUE(
        one->reported.wait_until([](const Reported& now) { return now.bytes.size() == kBytes; }));
  }
  EXPECT_GE(links.back()->reported.now().deliveries, 4);
}

TEST_F(LinkTest, NothingLeavesBeforeFlush) {
  const Socket far = adopt_one_end();
  thread.call([this] {
    link.output.send("one ");
    link.output.send("two");
    EXPECT_EQ(7U, link.output.bytes());
    EXPECT_EQ(0U, link.output.written_bytes());
    link.flush();
    EXPECT_EQ(0U, link.output.bytes());
    EXPECT_EQ(7U, link.output.written_bytes());
  });
  EXPECT_EQ("one two", far.receive_exactly(7));
  EXPECT_EQ(0, link.reported.now().writes);
}

// In memory, `size` bytes that pattern() makes.
Socket file_of(std::size_t size) {
  const std::string content = pattern(size);
  Socket file(::memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(static_cast<ssize_t>(size), ::write(file.get(), content.data(), size));
  return file;
}

// Also where the descriptor it was given would wait, as those that Asio has accepted do.
TEST_F(LinkTest, AFileIsWrittenAsFarAsTheKernelTakesIt) {
  constexpr std::size_t kSize = 4 << 20;
  const Socket file = file_of(kSize);
  const Socket far = adopt_one_end(kSmallBuffers);
  std::size_t offset = 0;
  const auto write = [&] {
    return thread.call([&] {
      const FilePart part{file.get(), offset, kSize - offset};
      const std::size_t taken = link.output.write_through(*link.stream, part).value_or(0);
      if (taken < part.size) {
        link.output.await_room(*link.stream);
        EXPECT_EQ(0U, link.stream->write_file(part)) << "it is waiting";
      }
      return taken;
    });
  };
  std::string received;
  for (int told = 0; offset < kSize; ++told) {
    ASSERT_TRUE(
        link.reported.wait_until([told](const Reported& now) { return now.writes >= told; }));
    const std::size_t taken = write();
    EXPECT_GT(taken, 0U);
    offset += taken;
    received += far.receive_exactly(taken);
  }
  EXPECT_TRUE(received == pattern(kSize));
}

TEST_F(LinkTest, OneWriteOfAFileIsAMebibyteAtMost) {
  const Socket file = file_of(3 * kMiB);
  Pair pair = connected_pair();
  const int large = 8 << 20;  // the kernel gives as much of it as the machine allows
  ::setsockopt(pair.near.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
  link.adopt(pair.near.release());
  thread.call([&] {
    EXPECT_LE(link.stream->write_file({file.get(), 0, 3 * kMiB}).value_or(0), kMiB);
  });
}

TEST_F(LinkTest, AnEndNeedsNoRoom) {
  constexpr std::size_t kSize = 4 << 20;
  const Socket file = file_of(kSize);
  const Socket far = adopt_one_end(kSmallBuffers);
  const std::size_t taken = thread.call([&] {
    const std::size_t size = link.stream->write_file({file.get(), 0, kSize}).value_or(0);
    link.output.await_room(*link.stream);
    link.output.finish();
    link.flush();
    EXPECT_TRUE(link.output.is_shut_down());
    return size;
  });
  EXPECT_TRUE(far.receive_until_end() == pattern(kSize).substr(0, taken));
}

// A file that became shorter: its owner is told at once that there is room, and finds that out.
TEST_F(LinkTest, TheEndOfAFileIsNotTakenForAFullKernel) {
  const Socket file = file_of(1000);
  const Socket far = adopt_one_end();
  thread.call([&] {
    EXPECT_EQ(1000U, link.stream->write_file({file.get(), 0, 5000}).value_or(0));
    link.output.await_room(*link.stream);
  });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.writes == 1; }));
  EXPECT_EQ(1000U, far.receive_exactly(1000).size());
}

// More pieces than one call to the kernel takes.
TEST_F(LinkTest, ManyPiecesAreOneWrite) {
  const Socket far = adopt_one_end();
  std::string whole;
  for (int i = 0; i < 100; ++i) whole += std::to_string(i) + ' ';
  std::vector<Bytes> pieces;
  for (Bytes rest = whole; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(3, rest.size())))
    pieces.push_back(rest.substr(0, 3));
  thread.call([&] { EXPECT_EQ(whole.size(), link.stream->write_some(pieces)); });
  EXPECT_EQ(whole, far.receive_exactly(whole.size()));
}

// Until much is written at a time the link keeps the bound that is configured.
TEST_F(LinkTest, TheKernelMayHoldMoreOfADownload) {
  constexpr int kConfigured = 8192, kRaised = 2 * kMiB;
  const std::string large = pattern(65 * 1024);
  const auto bound_behind_a_large_write = [&](int configured) {
    Pair pair = connected_pair();
    const int near = pair.near.get();
    EXPECT_EQ(0, ::setsockopt(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &configured, sizeof(int)));
    Recorder writing{thread};
    writing.adopt(pair.near.release());
    const std::array<Bytes, 1> small{Bytes("small")}, much{Bytes(large)};
    thread.call([&] { writing.stream->write_some(small); });
    EXPECT_EQ(configured, option(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
    thread.call([&] { writing.stream->write_some(much); });
    return option(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT);
  };
  EXPECT_EQ(kRaised, bound_behind_a_large_write(kConfigured));
  EXPECT_EQ(2 * kRaised, bound_behind_a_large_write(2 * kRaised)) << "no connection gets less";
  EXPECT_EQ(0, bound_behind_a_large_write(0)) << "none is configured";
}

TEST_F(LinkTest, TheKernelMayHoldWhatItGivesToASocketOfAFileThatItReads) {
  const Socket file = file_of(7);
  Pair pair = connected_pair();
  const int near = pair.near.get(), configured = 8192;
  EXPECT_EQ(0, ::setsockopt(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &configured, sizeof(int)));
  Recorder writing{thread};
  writing.adopt(pair.near.release());
  thread.call([&] { writing.stream->write_file({file.get(), 0, 7}); });
  EXPECT_EQ(4 * kMiB, option(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
}

TEST_F(LinkTest, SaysWhatThePeerHasNotAcknowledged) {
  const Socket far = adopt_one_end(kSmallBuffers);
  const auto unacknowledged = [this] {
    return thread.call([this] { return link.stream->unacknowledged_bytes(); });
  };
  EXPECT_EQ(0U, unacknowledged());
  const std::string large = pattern(kMiB);
  thread.call([&] {
    link.output.send(large);
    link.flush();
  });
  EXPECT_GT(unacknowledged(), 0U);
  far.receive_exactly(large.size());
  while (unacknowledged() > 0) continue;  // its kernel may wait a while before it confirms
}

// A long turn ends within its read, and what has finished in it may go.
TEST(Link, MayGoWithTheTurnOfItsRead) {
  struct Leaving final : StreamObserver {
    void on_bytes(Bytes) override {
      if (++deliveries < 2) return;  // the second one is read directly
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (std::chrono::steady_clock::now() < until) continue;
      stream->terminate(TerminateManner::quiet);
    }
    void on_end() override {}
    void on_silence() override {}
    void on_written(std::size_t) override {}
    void on_error(StreamError) override {}
    void on_finished() override {
      stream.reset();
      gone.change([](bool& now) { now = true; });
    }

    std::unique_ptr<ByteStream> stream;
    int deliveries = 0;
    Watched<bool> gone;
  };
  LoopThread thread;
  Pair pair = connected_pair();
  Leaving leaving;
  pair.far.send_all(pattern(kMiB / 4));
  thread.call([&] {
    leaving.stream = thread.loop().adopt(pair.near.release());
    leaving.stream->start(leaving);
  });
  EXPECT_TRUE(leaving.gone.wait_until([](bool now) { return now; }));
}

// Whether an epoll set of this process still watches the socket, as /proc shows it.
bool is_watched(int descriptor) {
  struct stat found {};
  EXPECT_EQ(0, ::fstat(descriptor, &found));
  std::ostringstream wanted;
  wanted << " ino:" << std::hex << found.st_ino << ' ';
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("tfd:") && line.find(wanted.str()) != std::string::npos) return true;
  }
  return false;
}

// An upgrade: somebody else has a copy of the descriptor.
TEST_F(LinkTest, LeftToAnotherProcessTheConnectionNoticesNothing) {
  const Socket far = adopt_one_end();
  int copy = -1;
  thread.call([&] { copy = ::dup(link.stream->descriptor()); });
  const Socket other(copy);
  ASSERT_GE(other.get(), 0);
  EXPECT_TRUE(is_watched(other.get()));
  far.send_all("before");
  ASSERT_TRUE(wait_for_bytes(6));
  thread.call([&] { link.stream->halt(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.halts == 1; }));
  thread.call([&] { link.stream->terminate(TerminateManner::leave); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes == 1; }));
  EXPECT_FALSE(is_watched(other.get())) << "close(2) alone leaves it in the epoll set";

  far.send_all("behind");
  EXPECT_EQ("behind", other.receive_exactly(6));
  other.send_all("an answer");
  EXPECT_EQ("an answer", far.receive_exactly(9));
  EXPECT_EQ("before", link.reported.now().bytes);
}

// Both directions at once, each several hundred times as long as the kernel's buffers.
TEST_F(LinkTest, LargeTransfersBothWaysAreByteExactThroughSmallBuffers) {
  const std::string sent = pattern(8 * kMiB);
  link.on_bytes_do = [this](Bytes bytes) {
    link.output.send(bytes);
    link.flush();
  };
  const Socket far = adopt_one_end(kSmallBuffers);
  std::thread sender([&] {
    far.send_all(sent);
    far.end_sending();
  });
  const std::string echoed = far.receive_exactly(sent.size());
  sender.join();
  EXPECT_TRUE(echoed == sent);
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  EXPECT_TRUE(link.reported.now().bytes == sent);
}

// A paused link may deliver once more; then the peer is stuck in its own sending, and nothing is
// lost.
TEST_F(LinkTest, PauseStopsThePeerAndResumeLosesNothing) {
  const std::string sent = pattern(4 * kMiB);
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([this] { link.stream->pause(); });
  std::atomic<bool> all_sent = false;
  std::thread sender([&] {
    far.send_all(sent);
    all_sent = true;
    far.end_sending();
  });
  // Turns go by, each of which could deliver.
  for (int i = 0; i < 1000; ++i) thread.call([] {});
  EXPECT_LE(link.reported.now().deliveries, 1);
  EXPECT_FALSE(all_sent);

  thread.call([this] { link.stream->resume(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  sender.join();
  EXPECT_TRUE(link.reported.now().bytes == sent);
}

TEST_F(LinkTest, PausedWithinADeliveryItDeliversNoMore) {
  link.on_bytes_do = [this](Bytes) { link.stream->pause(); };
  const Socket far = adopt_one_end();
  far.send_all("first");
  ASSERT_TRUE(wait_for_bytes(5));
  far.send_all("second");
  for (int i = 0; i < 100; ++i) thread.call([] {});
  EXPECT_EQ("first", link.reported.now().bytes);
  thread.call([this] { link.stream->resume(); });
  ASSERT_TRUE(wait_for_bytes(11));
  EXPECT_EQ("firstsecond", link.reported.now().bytes);
}

TEST_F(LinkTest, ProbeAnswersSilenceWhenNothingIsThere) {
  const Socket far = adopt_one_end();
  thread.call([this] { link.stream->probe(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.silences == 1; }));
  far.send_all("still reading");
  ASSERT_TRUE(wait_for_bytes(13));
}

TEST_F(LinkTest, ProbeWorksWhilePaused) {
  const Socket far = adopt_one_end();
  link.on_bytes_do = [this](Bytes) { link.stream->pause(); };
  far.send_all("a");
  ASSERT_TRUE(wait_for_bytes(1));
  thread.call([this] { link.stream->probe(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.silences == 1; }));
  far.send_all("b");
  // The kernel has it once the next probe finds it; until then they answer silence.
  while (link.reported.now().bytes != "ab") thread.call([this] { link.stream->probe(); });
  far.end_sending();
  while (link.reported.now().ends == 0) thread.call([this] { link.stream->probe(); });
  const int silences = link.reported.now().silences;
  thread.call([this] { link.stream->probe(); });
  EXPECT_EQ(silences + 1, link.reported.now().silences);
}

// Probes and the loop read in turn.
TEST_F(LinkTest, ProbesInAStreamNeverReorderBytes) {
  const std::string sent = pattern(8 * kMiB, 7);
  const Socket far = adopt_one_end();
  std::thread sender([&] {
    std::string_view left = sent;
    for (std::size_t size = 1; !left.empty(); size = size % 301 + 1) {
      far.send_all(left.substr(0, size));
      left.remove_prefix(std::min(size, left.size()));
    }
    far.end_sending();
  });
  int probes = 0;
  while (link.reported.now().ends == 0) {
    thread.call([this] { link.stream->probe(); });
    ++probes;
  }
  sender.join();
  EXPECT_TRUE(link.reported.now().bytes == sent);
  EXPECT_GT(probes, 0);
}

// What was in the kernel when it was asked is in the answer: a drain takes that for all there is.
TEST_F(LinkTest, ProbeFindsWhatHasComeBeforeTheLoopKnowsOfIt) {
  Pair pair = connected_pair();
  const int at_once = 1;  // or Nagle's algorithm would keep it on this side
  ::setsockopt(pair.far.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  std::vector<std::string> deliveries;
  link.on_bytes_do = [&deliveries](Bytes bytes) { deliveries.emplace_back(bytes); };
  pair.far.send_all("first");
  thread.call([&] {
    link.stream = thread.loop().adopt(pair.near.release());
    link.stream->start(link);
    pair.far.send_all(" and second");
    link.stream->probe();
  });
  ASSERT_TRUE(wait_for_bytes(16));
  EXPECT_EQ(std::vector<std::string>{"first and second"}, thread.call([&] { return deliveries; }));
}

TEST_F(LinkTest, FinishSendingFollowsAFullQueue) {
  const std::string sent = pattern(4 * kMiB, 3);
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([&] {
    link.output.send(sent);
    link.output.finish();
    link.flush();
    EXPECT_FALSE(link.output.is_shut_down());
    EXPECT_GT(link.output.bytes(), 0U);
  });
  EXPECT_TRUE(far.receive_until_end() == sent);
  EXPECT_TRUE(thread.call([this] { return link.output.is_shut_down(); }));
  EXPECT_EQ(sent.size(), thread.call([this] { return link.output.written_bytes(); }));
  EXPECT_GT(link.reported.now().writes, 0);
  far.send_all("the other direction is still open");
  ASSERT_TRUE(wait_for_bytes(33));
}

TEST_F(LinkTest, FinishSendingWithAnEmptyQueueEndsAtTheNextFlush) {
  const Socket far = adopt_one_end();
  thread.call([this] {
    link.output.finish();
    EXPECT_FALSE(link.output.is_shut_down());
    link.flush();
    EXPECT_TRUE(link.output.is_shut_down());
  });
  EXPECT_EQ("", far.receive_until_end());
}

TEST_F(LinkTest, TerminatedByResetThePeerSeesAReset) {
  const Socket far = adopt_one_end();
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));
  thread.call([this] { link.stream->terminate(TerminateManner::reset); });
  int error = 0;
  EXPECT_EQ("", far.receive(1, error));
  EXPECT_EQ(ECONNRESET, error);
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes == 1; }));
}

TEST_F(LinkTest, TerminatedByResetEvenWithAFullQueue) {
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([this] {
    link.output.send(pattern(kMiB));
    link.flush();
    link.stream->terminate(TerminateManner::reset);
  });
  int error = 0;
  far.receive(SIZE_MAX, error);
  EXPECT_EQ(ECONNRESET, error);
}

TEST_F(LinkTest, TerminatedQuietlyWhatTheKernelTookStillArrives) {
  const std::string sent = pattern(10000);
  const Socket far = adopt_one_end();
  thread.call([&] {
    link.output.send(sent);
    link.flush();
    EXPECT_EQ(0U, link.output.bytes());
    link.stream->terminate(TerminateManner::quiet);
  });
  EXPECT_TRUE(far.receive_until_end() == sent);
}

TEST_F(LinkTest, FinishesOnceAndReportsNothingAfterwards) {
  Socket far = adopt_one_end();
  thread.call([this] {
    link.stream->terminate(TerminateManner::quiet);
    EXPECT_EQ(0, link.reported.now().finishes) << "never within the call";
    link.stream->terminate(TerminateManner::reset);
    link.output.send("ignored");
    link.stream->probe();
  });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes > 0; }));
  far.close();
  for (int i = 0; i < 100; ++i) thread.call([] {});
  const Reported now = link.reported.now();
  EXPECT_EQ(1, now.finishes);
  EXPECT_EQ(0, now.deliveries + now.ends + now.silences + now.writes);
  EXPECT_TRUE(now.errors.empty());
}

TEST_F(LinkTest, ALinkThatWaitsForRoomCanBeTerminated) {
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([this] {
    link.output.send(pattern(kMiB));
    link.flush();  // waits for room now, and reads
    link.stream->terminate(TerminateManner::quiet);
  });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes == 1; }));
  int error = 0;
  EXPECT_LT(far.receive(SIZE_MAX, error).size(), kMiB);
}

TEST_F(LinkTest, ThePeersResetIsReportedAsOne) {
  Socket far = adopt_one_end();
  const linger now{1, 0};
  ::setsockopt(far.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  far.close();
  ASSERT_TRUE(
      link.reported.wait_until([](const Reported& after) { return !after.errors.empty(); }));
  EXPECT_EQ(std::vector{StreamError::reset}, link.reported.now().errors);
}

TEST_F(LinkTest, WritingToAPeerThatHasClosedIsReportedAsAReset) {
  Socket far = adopt_one_end();
  far.close();
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  // The first write is answered by an RST, the next one fails.
  while (link.reported.now().errors.empty()) {
    thread.call([this] {
      link.output.send("x");
      link.flush();
    });
  }
  EXPECT_EQ(StreamError::reset, link.reported.now().errors.front());
}

TEST_F(LinkTest, SeesOneDeliveryWhereOneWasSent) {
  std::vector<std::size_t> sizes;
  link.on_bytes_do = [&sizes](Bytes bytes) { sizes.push_back(bytes.size()); };
  const Socket far = adopt_one_end();
  std::size_t sum = 0;
  for (const std::size_t size :
       {1UL, 127UL, 128UL, 129UL, 1000UL, 4095UL, 4096UL, 4097UL, 16384UL}) {
    far.send_all(pattern(size));
    sum += size;
    ASSERT_TRUE(wait_for_bytes(sum));
  }
  EXPECT_EQ((std::vector<std::size_t>{1, 127, 128, 129, 1000, 4095, 4096, 4097, 16384}),
            thread.call([&] { return sizes; }));
}

// What is read and has to wait lies in memory.
TEST_F(LinkTest, ReadsLittleUntilWhatItHasReadIsTaken) {
  std::vector<std::size_t> sizes;
  bool pauses = true;
  link.on_bytes_do = [&](Bytes bytes) {
    sizes.push_back(bytes.size());
    if (pauses) link.stream->pause();
  };
  const Socket far = adopt_one_end();
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));  // and pauses
  far.send_all(pattern(150'000));
  for (std::size_t reads = 1; reads <= 3; ++reads) {
    thread.call([this] { link.stream->resume(); });
    ASSERT_TRUE(wait_for_bytes(1 + reads * 16'384));
  }
  thread.call([&] {
    pauses = false;
    link.stream->resume();
  });
  ASSERT_TRUE(wait_for_bytes(150'001));
  sizes = thread.call([&] { return sizes; });
  ASSERT_EQ((std::vector<std::size_t>{1, 16'384, 16'384, 16'384, 16'384, 65'536}),
            std::vector(sizes.begin(), sizes.begin() + 6));
}

}  // namespace
}  // namespace fairlead
