// Link, the Transport over a socket, against the kernel itself.
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
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

TEST_F(LinkTest, NothingLeavesBeforeFlush) {
  const Socket far = adopt_one_end();
  thread.call([this] {
    link.transport->send("one ");
    link.transport->send("two");
    EXPECT_EQ(7U, link.transport->queued_bytes());
    EXPECT_EQ(0U, link.transport->sent_bytes());
    link.transport->flush();
    EXPECT_EQ(0U, link.transport->queued_bytes());
    EXPECT_EQ(7U, link.transport->sent_bytes());
  });
  EXPECT_EQ("one two", far.receive_exactly(7));
  EXPECT_EQ(0, link.reported.now().progresses);
}

// In memory, `size` bytes that pattern() makes.
Socket file_of(std::size_t size) {
  const std::string content = pattern(size);
  Socket file(::memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(static_cast<ssize_t>(size), ::write(file.get(), content.data(), size));
  return file;
}

// Also where the descriptor it was given would wait, as those that Asio has accepted do.
TEST_F(LinkTest, AFileIsOfferedAsFarAsTheKernelTakesItAndItsRoomIsToldOf) {
  constexpr std::size_t kSize = 4 << 20;
  const Socket file = file_of(kSize);
  const Socket far = adopt_one_end(kSmallBuffers);
  std::size_t offset = 0;
  const auto offer = [&] {
    return thread.call([&] {
      const FilePart part{file.get(), offset, kSize - offset};
      const std::size_t taken = link.transport->offer_file(part);
      EXPECT_EQ(taken < part.size, link.transport->awaits_room());
      EXPECT_EQ(0U, link.transport->offer_file(part)) << "nobody has read";
      link.transport->flush();
      return taken;
    });
  };
  std::string received;
  for (int told = 0; offset < kSize; ++told) {
    ASSERT_TRUE(
        link.reported.wait_until([told](const Reported& now) { return now.progresses >= told; }));
    const std::size_t taken = offer();
    EXPECT_GT(taken, 0U);
    offset += taken;
    received += far.receive_exactly(taken);
  }
  EXPECT_TRUE(received == pattern(kSize));
  thread.call([&] {
    EXPECT_EQ(kSize, link.transport->sent_bytes());
    link.transport->send("queued");
    EXPECT_EQ(0U, link.transport->offer_file({file.get(), 0, kSize}));
  });
}

TEST_F(LinkTest, AnEndNeedsNoRoom) {
  constexpr std::size_t kSize = 4 << 20;
  const Socket file = file_of(kSize);
  const Socket far = adopt_one_end(kSmallBuffers);
  const std::size_t taken = thread.call([&] {
    const std::size_t size = link.transport->offer_file({file.get(), 0, kSize});
    EXPECT_TRUE(link.transport->awaits_room());
    link.transport->finish_sending();
    link.transport->flush();
    EXPECT_TRUE(link.transport->finished_sending());
    return size;
  });
  EXPECT_TRUE(far.receive_until_end() == pattern(kSize).substr(0, taken));
}

// A file that became shorter: whoever offers it is asked again at once, and finds that out.
TEST_F(LinkTest, TheEndOfAFileIsNotTakenForAFullKernel) {
  const Socket file = file_of(1000);
  const Socket far = adopt_one_end();
  thread.call([&] {
    EXPECT_EQ(1000U, link.transport->offer_file({file.get(), 0, 5000}));
    link.transport->flush();
  });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.progresses == 1; }));
  EXPECT_FALSE(thread.call([this] { return link.transport->awaits_room(); }));
  EXPECT_EQ(1000U, far.receive_exactly(1000).size());
}

TEST_F(LinkTest, WhatIsOfferedGoesPastAnEmptyQueueOnly) {
  const Socket far = adopt_one_end(kSmallBuffers);
  const std::string large = pattern(4 * kMiB);
  std::size_t taken = 0;
  thread.call([&, this] {
    const std::array<Bytes, 3> pieces{Bytes("one "), Bytes(), Bytes(large)};
    taken = link.transport->offer(pieces);
    EXPECT_GT(taken, 4U);
    EXPECT_LT(taken, large.size());
    EXPECT_EQ(link.transport->sent_bytes(), taken);
    EXPECT_EQ(link.transport->queued_bytes(), 0U);
    link.transport->send("queued");
    EXPECT_EQ(link.transport->offer(pieces), 0U);
    link.transport->flush();
  });
  EXPECT_TRUE(far.receive_exactly(taken) == "one " + large.substr(0, taken - 4));
  EXPECT_EQ("queued", far.receive_exactly(6));
  thread.call([this] {
    const std::array<Bytes, 1> pieces{Bytes("late")};
    link.transport->terminate(TerminateManner::quiet);
    EXPECT_EQ(link.transport->offer(pieces), 0U);
  });
}

// Until something is offered the link keeps the bound that is configured, whatever it sends.
TEST_F(LinkTest, TheKernelMayHoldMoreOfADownload) {
  constexpr int kConfigured = 8192, kRaised = 512 * 1024;
  const auto bound_behind_an_offer = [this](int configured) {
    Pair pair = connected_pair();
    const int near = pair.near.get();
    EXPECT_EQ(0, ::setsockopt(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &configured, sizeof(int)));
    Recorder offering{thread};
    offering.adopt(pair.near.release());
    thread.call([&] {
      offering.transport->send("small");
      offering.transport->flush();
    });
    EXPECT_EQ(configured, option(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
    const std::array<Bytes, 1> pieces{Bytes("large")};
    thread.call([&] { EXPECT_EQ(5U, offering.transport->offer(pieces)); });
    return option(near, IPPROTO_TCP, TCP_NOTSENT_LOWAT);
  };
  EXPECT_EQ(kRaised, bound_behind_an_offer(kConfigured));
  EXPECT_EQ(2 * kRaised, bound_behind_an_offer(2 * kRaised)) << "nobody gets less";
  EXPECT_EQ(0, bound_behind_an_offer(0)) << "none is configured";
}

// What fills the link's own buffer is followed by another read, which finds the end behind it.
TEST_F(LinkTest, TheEndComesBehindTheBytesThatCameWithIt) {
  for (const std::size_t size : {1UL, 77UL, 78UL, 79UL, 5000UL}) {
    Recorder reading{thread};
    Pair pair = connected_pair();
    pair.far.send_all(pattern(size));
    pair.far.end_sending();
    reading.on_bytes_do = [&reading](Bytes) { EXPECT_EQ(0, reading.reported.now().ends); };
    reading.adopt(pair.near.release());
    ASSERT_TRUE(reading.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
    EXPECT_TRUE(reading.reported.now().bytes == pattern(size));
  }
}

TEST_F(LinkTest, AResetComesBehindTheBytesThatCameBeforeIt) {
  for (const std::size_t size : {1UL, 77UL, 78UL, 79UL, 5000UL}) {
    Recorder reading{thread};
    Pair pair = connected_pair();
    pair.far.send_all(pattern(size));
    const linger now{1, 0};
    ::setsockopt(pair.far.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    pair.far.close();
    reading.adopt(pair.near.release());
    ASSERT_TRUE(
        reading.reported.wait_until([](const Reported& after) { return !after.errors.empty(); }));
    EXPECT_EQ(std::vector{TransportError::reset}, reading.reported.now().errors);
    EXPECT_TRUE(reading.reported.now().bytes == pattern(size));
    EXPECT_EQ(0, reading.reported.now().ends);
  }
}

TEST_F(LinkTest, PausedWithinADeliveryItTellsOfTheEndWhenItReadsAgain) {
  for (const std::size_t size : {5UL, 78UL, 5000UL}) {
    Recorder reading{thread};
    Pair pair = connected_pair();
    pair.far.send_all(pattern(size));
    pair.far.end_sending();
    reading.on_bytes_do = [&reading](Bytes) { reading.transport->pause(); };
    reading.adopt(pair.near.release());
    ASSERT_TRUE(reading.reported.wait_until(
        [size](const Reported& now) { return now.bytes.size() == size; }));
    for (int i = 0; i < 100; ++i) thread.call([] {});
    EXPECT_EQ(0, reading.reported.now().ends);
    thread.call([&reading] { reading.transport->resume(); });
    ASSERT_TRUE(reading.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  }
}

// The read that is pending may bring what fits into the link's own buffer.
TEST_F(LinkTest, BehindAPauseComesOneSmallDeliveryAtMost) {
  const Socket far = adopt_one_end();
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));
  for (int i = 0; i < 10; ++i) thread.call([] {});  // it reads again
  thread.call([this] { link.transport->pause(); });
  far.send_all(pattern(50'000));
  for (int i = 0; i < 100; ++i) thread.call([] {});
  EXPECT_LE(link.reported.now().deliveries, 2);
  EXPECT_LE(link.reported.now().bytes.size(), 1U + 128U);
  thread.call([this] { link.transport->resume(); });
  ASSERT_TRUE(wait_for_bytes(50'001));
  EXPECT_TRUE(link.reported.now().bytes == "x" + pattern(50'000));
}

// The probe cancels the read, and with it the wait for room.
TEST_F(LinkTest, AProbeDoesNotDisturbTheWaitForRoom) {
  const std::string sent = pattern(4 * kMiB, 5);
  const Socket far = adopt_one_end(kSmallBuffers);
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));
  thread.call([&] {
    link.transport->send(sent);
    link.transport->flush();
    EXPECT_TRUE(link.transport->awaits_room());
  });
  for (int i = 0; i < 100; ++i) thread.call([this] { link.transport->probe(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.silences > 0; }));
  EXPECT_TRUE(thread.call([this] { return link.transport->awaits_room(); }));
  EXPECT_TRUE(far.receive_exactly(sent.size()) == sent);
}

// Both directions at once, each several hundred times as long as the kernel's buffers.
TEST_F(LinkTest, LargeTransfersBothWaysAreByteExactThroughSmallBuffers) {
  const std::string sent = pattern(8 * kMiB);
  link.on_bytes_do = [this](Bytes bytes) {
    link.transport->send(bytes);
    link.transport->flush();
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
  thread.call([this] { link.transport->pause(); });
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

  thread.call([this] { link.transport->resume(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  sender.join();
  EXPECT_TRUE(link.reported.now().bytes == sent);
}

TEST_F(LinkTest, PausedWithinADeliveryItDeliversNoMore) {
  link.on_bytes_do = [this](Bytes) { link.transport->pause(); };
  const Socket far = adopt_one_end();
  far.send_all("first");
  ASSERT_TRUE(wait_for_bytes(5));
  far.send_all("second");
  for (int i = 0; i < 100; ++i) thread.call([] {});
  EXPECT_EQ("first", link.reported.now().bytes);
  thread.call([this] { link.transport->resume(); });
  ASSERT_TRUE(wait_for_bytes(11));
  EXPECT_EQ("firstsecond", link.reported.now().bytes);
}

TEST_F(LinkTest, ProbeAnswersSilenceWhenNothingIsThere) {
  const Socket far = adopt_one_end();
  thread.call([this] { link.transport->probe(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.silences == 1; }));
  far.send_all("still reading");
  ASSERT_TRUE(wait_for_bytes(13));
}

TEST_F(LinkTest, ProbeWorksWhilePaused) {
  const Socket far = adopt_one_end();
  link.on_bytes_do = [this](Bytes) { link.transport->pause(); };
  far.send_all("a");
  ASSERT_TRUE(wait_for_bytes(1));
  thread.call([this] { link.transport->probe(); });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.silences == 1; }));
  far.send_all("b");
  // The kernel has it once the next probe finds it; until then they answer silence.
  while (link.reported.now().bytes != "ab") thread.call([this] { link.transport->probe(); });
  far.end_sending();
  while (link.reported.now().ends == 0) thread.call([this] { link.transport->probe(); });
  const int silences = link.reported.now().silences;
  thread.call([this] { link.transport->probe(); });
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
    thread.call([this] { link.transport->probe(); });
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
    link.transport = thread.loop().adopt(pair.near.release());
    link.transport->start(link);
    pair.far.send_all(" and second");
    link.transport->probe();
  });
  ASSERT_TRUE(wait_for_bytes(16));
  EXPECT_EQ(std::vector<std::string>{"first and second"}, thread.call([&] { return deliveries; }));
}

TEST_F(LinkTest, FinishSendingFollowsAFullQueue) {
  const std::string sent = pattern(4 * kMiB, 3);
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([&] {
    link.transport->send(sent);
    link.transport->finish_sending();
    link.transport->flush();
    EXPECT_FALSE(link.transport->finished_sending());
    EXPECT_GT(link.transport->queued_bytes(), 0U);
  });
  EXPECT_TRUE(far.receive_until_end() == sent);
  EXPECT_TRUE(thread.call([this] { return link.transport->finished_sending(); }));
  EXPECT_EQ(sent.size(), thread.call([this] { return link.transport->sent_bytes(); }));
  EXPECT_GT(link.reported.now().progresses, 0);
  far.send_all("the other direction is still open");
  ASSERT_TRUE(wait_for_bytes(33));
}

TEST_F(LinkTest, FinishSendingWithAnEmptyQueueEndsAtTheNextFlush) {
  const Socket far = adopt_one_end();
  thread.call([this] {
    link.transport->finish_sending();
    EXPECT_FALSE(link.transport->finished_sending());
    link.transport->flush();
    EXPECT_TRUE(link.transport->finished_sending());
  });
  EXPECT_EQ("", far.receive_until_end());
}

TEST_F(LinkTest, TerminatedByResetThePeerSeesAReset) {
  const Socket far = adopt_one_end();
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));
  thread.call([this] { link.transport->terminate(TerminateManner::reset); });
  int error = 0;
  EXPECT_EQ("", far.receive(1, error));
  EXPECT_EQ(ECONNRESET, error);
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes == 1; }));
}

TEST_F(LinkTest, TerminatedByResetEvenWithAFullQueue) {
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([this] {
    link.transport->send(pattern(kMiB));
    link.transport->flush();
    link.transport->terminate(TerminateManner::reset);
  });
  int error = 0;
  far.receive(SIZE_MAX, error);
  EXPECT_EQ(ECONNRESET, error);
}

TEST_F(LinkTest, TerminatedQuietlyWhatTheKernelTookStillArrives) {
  const std::string sent = pattern(10000);
  const Socket far = adopt_one_end();
  thread.call([&] {
    link.transport->send(sent);
    link.transport->flush();
    EXPECT_EQ(0U, link.transport->queued_bytes());
    link.transport->terminate(TerminateManner::quiet);
  });
  EXPECT_TRUE(far.receive_until_end() == sent);
}

TEST_F(LinkTest, FinishesOnceAndReportsNothingAfterwards) {
  Socket far = adopt_one_end();
  thread.call([this] {
    link.transport->terminate(TerminateManner::quiet);
    EXPECT_EQ(0, link.reported.now().finishes) << "never within the call";
    link.transport->terminate(TerminateManner::reset);
    link.transport->send("ignored");
    link.transport->probe();
  });
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.finishes > 0; }));
  far.close();
  for (int i = 0; i < 100; ++i) thread.call([] {});
  const Reported now = link.reported.now();
  EXPECT_EQ(1, now.finishes);
  EXPECT_EQ(0, now.deliveries + now.ends + now.silences + now.progresses);
  EXPECT_TRUE(now.errors.empty());
}

TEST_F(LinkTest, ALinkThatWaitsForRoomCanBeTerminated) {
  const Socket far = adopt_one_end(kSmallBuffers);
  thread.call([this] {
    link.transport->send(pattern(kMiB));
    link.transport->flush();  // waits for room now, and reads
    link.transport->terminate(TerminateManner::quiet);
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
  EXPECT_EQ(std::vector{TransportError::reset}, link.reported.now().errors);
}

TEST_F(LinkTest, WritingToAPeerThatHasClosedIsReportedAsAReset) {
  Socket far = adopt_one_end();
  far.close();
  ASSERT_TRUE(link.reported.wait_until([](const Reported& now) { return now.ends == 1; }));
  // The first write is answered by an RST, the next one fails.
  while (link.reported.now().errors.empty()) {
    thread.call([this] {
      link.transport->send("x");
      link.transport->flush();
    });
  }
  EXPECT_EQ(TransportError::reset, link.reported.now().errors.front());
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
    if (pauses) link.transport->pause();
  };
  const Socket far = adopt_one_end();
  far.send_all("x");
  ASSERT_TRUE(wait_for_bytes(1));  // and pauses
  far.send_all(pattern(150'000));
  for (std::size_t reads = 1; reads <= 3; ++reads) {
    thread.call([this] { link.transport->resume(); });
    ASSERT_TRUE(wait_for_bytes(1 + reads * 16'384));
  }
  thread.call([&] {
    pauses = false;
    link.transport->resume();
  });
  ASSERT_TRUE(wait_for_bytes(150'001));
  sizes = thread.call([&] { return sizes; });
  ASSERT_EQ((std::vector<std::size_t>{1, 16'384, 16'384, 16'384, 16'384, 65'536}),
            std::vector(sizes.begin(), sizes.begin() + 6));
}

}  // namespace
}  // namespace fairlead
