// The turns of a Loop: how handlers share them, how long they are, and what they cost.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "tests/integration/heap_count.hpp"
#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

// Counts what happens in each turn.
class CountedTurns final : public TurnClient {
 public:
  void begin_turn(TimePoint) override { handlers.push_back(0); }
  void on_timer() override {}
  bool run_deferred() override { return false; }
  bool end_turn() override { return false; }
  std::optional<TimePoint> next_due() const override { return {}; }

  std::vector<int> handlers;
};

// What `count` handlers that were posted at once, each of which takes `time`, are to the turns.
std::vector<int> turns_of(int count, std::chrono::microseconds time) {
  CountedTurns turns;
  Loop loop;
  loop.drive(turns);
  for (int i = 0; i < count; ++i) {
    loop.post([&turns, time] {
      ++turns.handlers.back();
      const auto end = std::chrono::steady_clock::now() + time;
      while (std::chrono::steady_clock::now() < end) continue;
    });
  }
  loop.post([&loop] { loop.release(); });
  loop.run();
  return turns.handlers;
}

TEST(TurnsTest, HandlersThatAreReadyTogetherShareATurn) {
  EXPECT_EQ((std::vector{20}), turns_of(20, std::chrono::microseconds(0)));
}

TEST(TurnsTest, ATurnEndsBehindSixtyFourHandlersOrWhenItHasTakenItsTime) {
  const std::vector<int> many = turns_of(1000, std::chrono::microseconds(0));
  EXPECT_LE(*std::max_element(many.begin(), many.end()), 64);
  const std::vector<int> slow = turns_of(20, std::chrono::milliseconds(1));
  EXPECT_EQ(std::vector(20, 1), std::vector(slow.begin(), slow.begin() + 20));
}

// Sends back what comes.
class Echo final : public StreamObserver {
 public:
  void on_bytes(Bytes bytes) override { send(bytes); }
  void on_end() override {}
  void on_silence() override {}
  void on_written(std::size_t size) override {
    output.on_written(size);
    output.flush(*stream);
  }
  void on_error(StreamError) override {}
  void on_finished() override { finished = true; }

  void send(Bytes bytes) {
    output.send(bytes);
    output.flush(*stream);
  }

  BufferPool pool;
  OutputQueue output{pool};
  std::unique_ptr<ByteStream> stream;
  bool finished = false;
};

class EchoTest : public testing::Test {
 protected:
  Socket connect(int buffers = 0) {
    Pair pair = connected_pair(buffers);
    const int at_once = 1;
    ::setsockopt(pair.far.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    thread.call([&] {
      echoes.push_back(std::make_unique<Echo>());
      echoes.back()->stream = thread.loop().adopt(pair.near.release());
      echoes.back()->stream->start(*echoes.back());
    });
    return std::move(pair.far);
  }
  ~EchoTest() override {
    thread.call([this] {
      for (const auto& echo : echoes) echo->stream->terminate(TerminateManner::quiet);
    });
    const auto all_finished = [this] {
      return std::ranges::all_of(echoes, [](const auto& echo) { return echo->finished; });
    };
    while (!thread.call(all_finished)) continue;
    thread.call([this] { echoes.clear(); });
  }

  std::uint64_t allocations() {
    return thread.call([] { return heap_allocations(); });
  }
  // Of the call itself: what is posted lies on the heap.
  std::uint64_t allocations_of_a_call() {
    const std::uint64_t before = allocations();
    return allocations() - before;
  }

  LoopThread thread;
  std::vector<std::unique_ptr<Echo>> echoes;
};

TEST_F(EchoTest, AMessageTakesNoHeapMemory) {
  std::vector<Socket> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect());
  const auto exchange = [&clients](int times) {
    const std::string small(60, 's'), large(3000, 'l');
    for (int i = 0; i < times; ++i) {
      for (const Socket& client : clients) client.send_all(i % 2 == 0 ? small : large);
      for (const Socket& client : clients)
        client.receive_exactly(i % 2 == 0 ? small.size() : large.size());
    }
  };
  // The loop's lists grow where more clients are ready together than ever before: here all are.
  for (const std::size_t size : {60, 3000}) {
    thread.call([&clients, message = std::string(size, 'a')] {
      for (const Socket& client : clients) client.send_all(message);
    });
    for (const Socket& client : clients) client.receive_exactly(size);
  }
  exchange(20);
  const std::uint64_t of_a_call = allocations_of_a_call();
  const std::uint64_t before = allocations();
  exchange(100);  // 2,000 messages
  EXPECT_LE(allocations() - before, of_a_call + 12);
}

// The waits for room included. The queue's blocks are kept by the pool, up to 1 MiB of them.
TEST_F(EchoTest, AWaitForRoomTakesNoHeapMemory) {
  const std::string sent = pattern(1 << 20);
  const Socket client = connect(4096);
  const auto exchange = [&] {
    client.send_all(sent);  // none of it is taken back meanwhile
    EXPECT_TRUE(client.receive_exactly(sent.size()) == sent);
  };
  exchange();
  const std::uint64_t of_a_call = allocations_of_a_call();
  const std::uint64_t before = allocations();
  exchange();
  EXPECT_LE(allocations() - before, of_a_call + 4);
}

// The operations that are pending lie in memory that the loop keeps until its context is gone.
TEST(LoopEndTest, ALoopCanBeDestroyedWhileOperationsArePending) {
  EmptyTurns turns;
  Pair pair = connected_pair(4096);
  Echo echo;
  const std::string sent = pattern(1 << 20);
  {
    Loop loop;
    loop.drive(turns);
    loop.post([&] {
      echo.stream = loop.adopt(pair.near.release());
      echo.stream->start(echo);
    });
    std::thread peer([&] {
      pair.far.send_all("x");
      pair.far.receive_exactly(1);  // it reads
      while (::send(pair.far.get(), sent.data(), sent.size(), MSG_DONTWAIT) > 0) {
      }
      loop.post([&] {
        echo.send(sent);  // and writes
        EXPECT_TRUE(echo.output.is_waiting());
        loop.stop();
      });
    });
    loop.run();
    peer.join();
    echo.stream.reset();
  }
  EXPECT_FALSE(echo.finished);
}

}  // namespace
}  // namespace fairlead
