// Loop and Alarm on real threads and a real clock.
#include <gtest/gtest.h>

#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

TEST(LoopTest, RunsWhatManyThreadsPostInEachOnesOrderAndOnItsOwnThread) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 10000;
  LoopThread thread;
  struct Seen {
    std::array<int, kThreads> next{};
    int out_of_order = 0;
    int elsewhere = 0;
  } seen;  // touched by the loop's thread only, which is what tsan checks
  std::vector<std::thread> posting;
  for (int poster = 0; poster < kThreads; ++poster) {
    posting.emplace_back([&, poster] {
      for (int i = 0; i < kPosts; ++i) {
        thread.loop().post([&seen, poster, i, id = thread.id()] {
          if (seen.next[static_cast<std::size_t>(poster)]++ != i) ++seen.out_of_order;
          if (std::this_thread::get_id() != id) ++seen.elsewhere;
        });
      }
    });
  }
  for (std::thread& one : posting) one.join();
  const Seen result = thread.call([&seen] { return seen; });
  for (const int count : result.next) EXPECT_EQ(kPosts, count);
  EXPECT_EQ(0, result.out_of_order);
  EXPECT_EQ(0, result.elsewhere);
}

TEST(LoopTest, WhatIsPostedFromWithinRunsInALaterTurn) {
  LoopThread thread;
  Watched<std::vector<int>> order;
  const auto add = [&order](int mark) {
    order.change([mark](std::vector<int>& marks) { marks.push_back(mark); });
  };
  thread.call([&] {
    thread.loop().post([&add] { add(2); });
    thread.loop().post([&add] { add(3); });
    add(1);
  });
  ASSERT_TRUE(order.wait_until([](const std::vector<int>& marks) { return marks.size() == 3; }));
  EXPECT_EQ((std::vector{1, 2, 3}), order.now());
}

// What a turn takes is not what the loop has slept.
TEST(LoopTest, TurnsAreMeasuredSinceTheyWereLastAskedFor) {
  constexpr auto kWork = std::chrono::milliseconds(20);
  LoopThread thread;
  thread.call([&thread] { thread.loop().take_turn_times(); });
  thread.call([kWork] {
    const auto end = std::chrono::steady_clock::now() + kWork;
    while (std::chrono::steady_clock::now() < end) continue;
  });
  const TurnTimes times = thread.call([&thread] { return thread.loop().take_turn_times(); });
  EXPECT_GE(times.turns.max(), 20'000u);
  EXPECT_GE(times.turns.count(), 1u);
  EXPECT_EQ(times.replies.count(), 0u) << "no connection could be read";
  const TurnTimes later = thread.call([&thread] { return thread.loop().take_turn_times(); });
  EXPECT_LT(later.turns.count(), 3u);
}

TEST(LoopTest, RunEndsWhenItIsReleasedAndWorkHasEnded) {
  EmptyTurns turns;
  Loop loop;
  loop.drive(turns);
  int ran = 0;
  loop.post([&] {
    loop.release();
    loop.post([&ran] { ++ran; });
  });
  loop.run();
  EXPECT_EQ(1, ran);
}

// The link is destroyed before its pending read has come back, and the loop after it.
TEST(LoopTest, StoppedWithALinkThatReadsItGoesWithoutATrace) {
  class Deaf final : public StreamObserver {
    void on_bytes(Bytes) override {}
    void on_end() override {}
    void on_silence() override {}
    void on_written(std::size_t) override {}
    void on_error(StreamError) override {}
    void on_finished() override {}
  };
  EmptyTurns turns;
  Deaf observer;
  Pair pair = connected_pair();
  Loop loop;
  loop.drive(turns);
  std::unique_ptr<ByteStream> link;
  loop.post([&] {
    link = loop.adopt(pair.near.release());
    link->start(observer);
    loop.stop();
  });
  loop.run();
  link.reset();
  char byte = 0;
  EXPECT_EQ(0, ::recv(pair.far.get(), &byte, 1, 0));
}

TEST(LoopTest, StopEndsItWhateverIsLeft) {
  EmptyTurns turns;
  Loop loop;
  loop.drive(turns);
  Alarm alarm(loop);
  bool rung = false;
  loop.post([&] {
    alarm.set(Loop::read_clock() + std::chrono::hours(1), [&rung] { rung = true; });
    loop.stop();
  });
  loop.run();
  EXPECT_FALSE(rung);
}

class AlarmTest : public testing::Test {
 protected:
  ~AlarmTest() override {
    thread.call([this] { alarm.reset(); });
  }

  void set_in(Duration wait, int mark) {
    thread.call([this, wait, mark] {
      alarm->set(Loop::read_clock() + wait, [this, mark] {
        rung.change([this, mark](std::vector<int>& marks) {
          marks.push_back(mark);
          rung_at = Loop::read_clock();
        });
      });
    });
  }
  bool wait_for_a_ring() {
    return rung.wait_until([](const std::vector<int>& marks) { return !marks.empty(); });
  }

  LoopThread thread;
  Watched<std::vector<int>> rung;
  TimePoint rung_at{};
  std::unique_ptr<Alarm> alarm = std::make_unique<Alarm>(thread.loop());
};

TEST_F(AlarmTest, RingsNotBeforeItsTime) {
  const TimePoint before = Loop::read_clock();
  set_in(Duration(50), 1);
  ASSERT_TRUE(wait_for_a_ring());
  EXPECT_GE(rung_at - before, Duration(50));
}

TEST_F(AlarmTest, ASecondSetReplacesTheFirst) {
  set_in(Duration(20), 1);
  set_in(Duration(1), 2);
  ASSERT_TRUE(wait_for_a_ring());
  set_in(Duration(40), 3);  // past the time of the first
  ASSERT_TRUE(rung.wait_until([](const std::vector<int>& marks) { return marks.back() == 3; }));
  EXPECT_EQ((std::vector{2, 3}), rung.now());
}

TEST_F(AlarmTest, CancelledItDoesNotRing) {
  set_in(Duration(20), 1);
  thread.call([this] { alarm->cancel(); });
  set_in(Duration(40), 2);
  ASSERT_TRUE(wait_for_a_ring());
  EXPECT_EQ(std::vector{2}, rung.now());
}

}  // namespace
}  // namespace fairlead
