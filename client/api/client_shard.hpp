// What the clients of one loop share: the time, their timers, and what is left to do when a turn
// ends. The client's counterpart of server/core's Shard.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/timer_wheel.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/turn_client.hpp"

namespace fairlead {

class ClientShard;
class ServerConnection;

// Calls back once for each time it is set. Owned by whoever waits; ending it cancels it.
class ShardTimer : private WheelEntry {
 public:
  ShardTimer(ClientShard& shard, std::function<void()> ring)
      : shard_(shard), ring_(std::move(ring)) {}

  // Rings in a turn at `at` or up to 10 ms later. Replaces what was set before; kNever cancels.
  void set(TimePoint at);
  void cancel() { set(kNever); }
  bool is_set() const noexcept { return is_scheduled(); }

 private:
  friend class ClientShard;

  ClientShard& shard_;
  std::function<void()> ring_;
};

// Driven by a Loop, or by a test with a clock of its own. Used on one thread; outlives everything
// that was made on it. Whatever its clients are told, and whatever they ask for, happens in a turn.
class ClientShard final : public TurnClient {
 public:
  explicit ClientShard(TimePoint now) : now_(now), wheel_(now) {}

  // The time of this turn.
  TimePoint now() const noexcept { return now_; }
  BufferPool& pool() noexcept { return pool_; }
  TimerWheel& wheel() noexcept { return wheel_; }

  // Has the connection flush its output at the end of the turn.
  void flush_later(ServerConnection& connection) { dirty_.push_back(&connection); }
  // It is destroyed before that.
  void forget(ServerConnection& connection) { std::erase(dirty_, &connection); }

  // Takes over a stream that has finished, to be destroyed at the end of the turn.
  void retire(std::unique_ptr<ByteStream> stream) { retired_.push_back(std::move(stream)); }

  // TurnClient.
  void begin_turn(TimePoint now) override { now_ = now; }
  void on_timer() override;
  bool run_deferred() override { return false; }
  bool end_turn() override;
  std::optional<TimePoint> next_due() const override { return wheel_.next_due(); }

 private:
  TimePoint now_;
  BufferPool pool_;
  TimerWheel wheel_;
  std::vector<ServerConnection*> dirty_;
  std::vector<std::unique_ptr<ByteStream>> retired_;
};

}  // namespace fairlead
