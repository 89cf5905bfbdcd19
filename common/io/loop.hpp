// One thread's event loop. Everything it touches, and the shard it drives, belongs to that thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "common/base/histogram.hpp"
#include "common/base/time.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/turn_client.hpp"

namespace fairlead {

// In microseconds. A turn begins with the first handler behind a wake-up and ends when what its
// handlers caused has been written. `replies` counts, for each connection that could be read or
// written, the time between the look for events before the one that found it and its reply: where
// its loop waited for it, that is the most that it can have taken.
struct TurnTimes {
  CoarseHistogram turns;
  CoarseHistogram replies;

  TurnTimes& operator+=(const TurnTimes& other) noexcept {
    turns += other.turns;
    replies += other.replies;
    return *this;
  }
};

class LoopCore;  // the Asio side; seen by common/io only

// Made and destroyed on any one thread, run on its own. The client outlives the last turn.
// Everything made on a loop (transports, listeners, alarms) is destroyed before it.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Sets whom the turns are for, once, before run().
  void drive(TurnClient& client);

  // Bounds what one read takes, in bytes; at least 8 KiB, at most 64 KiB, which it is without this.
  // What a client has sent that has to wait lies in memory, so that little more than its queue may
  // be read.
  void limit_reads(std::size_t bytes_max);

  // Runs until release() has been called and nothing is left to wait for.
  void run();

  // As run(), but never sleeps: what happens is seen at once, for all of a processor.
  void run_spinning();

  // Waits for one event and handles it: for a caller that waits for something of its own, within no
  // turn.
  void run_one();

  // Those since the last call. Called on the loop's thread, or after run().
  TurnTimes take_turn_times();

  // From then on run() ends when its work has ended. Called on the loop's thread.
  void release();

  // Makes run() return now, whatever is left. From any thread.
  void stop();

  // Runs `work` in a turn of this loop. From any thread; what one thread posts runs in order.
  void post(std::function<void()> work);

  // Takes over a connected stream socket. Called on the loop's thread.
  std::unique_ptr<ByteStream> adopt(int descriptor);

  static TimePoint read_clock() noexcept;

  LoopCore& core() noexcept { return *core_; }

 private:
  std::unique_ptr<LoopCore> core_;
};

// One deadline that is finer than a shard's wheel, or has no shard. Used on the loop's thread.
class Alarm {
 public:
  explicit Alarm(Loop& loop);
  ~Alarm();

  // Calls `ring` in a turn at or after `at`, which may be finer than the turns' own time. A second
  // call replaces the first.
  void set(std::chrono::steady_clock::time_point at, std::function<void()> ring);
  void cancel();

 private:
  struct Timer;
  std::unique_ptr<Timer> timer_;
};

}  // namespace fairlead
