// Byte queue, buffer pool, timer wheel.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/byte_queue.hpp"
#include "common/base/tail_buffer.hpp"
#include "common/base/timer_wheel.hpp"
#include "tests/bench/micro/allocations.hpp"

namespace fairlead {
namespace {

// ---- Queues

// One turn of a session: as many replies as the argument says, then one write.
void byte_queue_turn(benchmark::State& state) {
  BufferPool pool;
  ByteQueue queue(pool);
  const std::string reply(64, 'x');
  std::array<Bytes, 16> pieces;
  const auto turn = [&] {
    for (std::int64_t i = 0; i < state.range(0); ++i) queue.append(reply);
    benchmark::DoNotOptimize(queue.front(pieces));
    queue.consume(queue.size());
  };
  turn();
  NoAllocations steady(state);
  for (auto _ : state) turn();
  steady.report();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(byte_queue_turn)->Arg(1)->Arg(16)->Arg(1024);

// A message that arrives in two halves.
void tail_buffer_two_halves(benchmark::State& state) {
  BufferPool pool;
  TailBuffer tail(pool);
  const std::string half(32, 'x');
  const auto message = [&] {
    tail.append(half);
    tail.append(half);
    benchmark::DoNotOptimize(tail.view().data());
    tail.drop_front(tail.size());
  };
  message();
  NoAllocations steady(state);
  for (auto _ : state) message();
  steady.report();
}
BENCHMARK(tail_buffer_two_halves);

void buffer_pool_take_and_give_back(benchmark::State& state) {
  BufferPool pool;
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto take_and_give_back = [&pool, size] {
    std::size_t capacity = 0;
    char* const memory = pool.acquire(size, capacity);
    benchmark::DoNotOptimize(memory);
    pool.release(memory, capacity);
  };
  take_and_give_back();
  NoAllocations steady(state);
  for (auto _ : state) take_and_give_back();
  steady.report();
}
BENCHMARK(buffer_pool_take_and_give_back)->Arg(256)->Arg(4096)->Arg(BufferPool::kLargest);

// ---- The wheel, as full as a big shard's

constexpr std::size_t kSessions = 100'000;
constexpr TimePoint kStart{Duration(1'000'000)};
constexpr Duration kIdle{600'000};

struct FullWheel {
  FullWheel() {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      wheel.schedule(entries[i], kStart + Duration(10 * (1 + i % 60'000)));
    }
  }

  TimerWheel wheel{kStart};
  std::vector<WheelEntry> entries{kSessions};
};

void timer_wheel_schedule_and_cancel(benchmark::State& state) {
  FullWheel full;
  WheelEntry entry;
  NoAllocations steady(state);
  Duration::rep wait = 0;
  for (auto _ : state) {
    full.wheel.schedule(entry, kStart + Duration(10 + ++wait % 600'000));
    full.wheel.cancel(entry);
  }
  steady.report();
}
BENCHMARK(timer_wheel_schedule_and_cancel);

void timer_wheel_rearm(benchmark::State& state) {
  FullWheel full;
  NoAllocations steady(state);
  std::size_t at = 0;
  for (auto _ : state) {
    // A prime stride, so that neighbours in memory are not neighbours in the wheel.
    at = (at + 7919) % kSessions;
    full.wheel.schedule(full.entries[at], kStart + Duration(10 * (1 + at % 60'000)));
  }
  steady.report();
}
BENCHMARK(timer_wheel_rearm);

void timer_wheel_next_due(benchmark::State& state) {
  const FullWheel full;
  for (auto _ : state) benchmark::DoNotOptimize(full.wheel.next_due());
}
BENCHMARK(timer_wheel_next_due);

// Every entry that is due waits again for the same time, as idle sessions do; items are entries.
void timer_wheel_advance(benchmark::State& state) {
  FullWheel full;
  TimePoint now = kStart;
  std::int64_t due = 0;
  NoAllocations steady(state);
  for (auto _ : state) {
    now += TimerWheel::kSlot;
    full.wheel.advance(now, [&](WheelEntry& entry) {
      ++due;
      full.wheel.schedule(entry, now + kIdle);
    });
  }
  steady.report();
  state.SetItemsProcessed(due);
}
BENCHMARK(timer_wheel_advance);

}  // namespace
}  // namespace fairlead
