// Opens one connection under load, and again when it was lost.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "client/api/connection.hpp"
#include "client/bench/engine/bench_scope.hpp"
#include "client/bench/stats/tally.hpp"

namespace fairlead {

// Called in turns of the scope's shard.
class BenchConnectorObserver {
 public:
  // The connection is there, greeted where the load asks for it, and nothing was sent on it.
  virtual void on_open() = 0;
  virtual void on_open_failed(BenchError error, BenchTime since, BenchTime now) = 0;

  // A frame, or plain bytes, of an open connection; `now` is one time for all of one delivery.
  virtual void on_frame(const Frame& frame, BenchTime now) = 0;
  virtual void on_delivered(BenchTime now) = 0;
  virtual void on_drained(BenchTime now) = 0;  // the kernel has taken everything

  // The server or the network has ended an open connection. True: that was in order.
  virtual bool on_lost(const Failure& failure, BenchTime now) = 0;
  // The connection was closed by either side, or could not be opened.
  virtual void on_closed() = 0;
  // It may be opened again.
  virtual void on_reopen() = 0;

 protected:
  ~BenchConnectorObserver() = default;
};

// Part of a BenchConnection, its observer; used in turns of the scope's shard. After a failure it
// waits 50 to 150 ms, drawn by chance, so that connections which were lost together do not come
// back together.
class BenchConnector final : private ConnectionObserver {
 public:
  BenchConnector(BenchScope& scope, std::uint32_t index, BenchConnectorObserver& observer);

  // Only when can_open().
  void open(BenchTime now);
  bool can_open() const noexcept {
    return state_ == State::closed && scope_.phase != BenchPhase::draining;
  }

  bool is_open() const noexcept { return state_ == State::open && connection_->is_open(); }
  ServerConnection& connection() noexcept { return *connection_; }

  // Closes it, to be opened again at once, as the load wants.
  void replace() { close(Ending::replaced); }
  // Closes it because of what came, to be opened again after a wait.
  void give_up() { close(Ending::given_up); }

  void count_bytes_out(BenchTime now);

 private:
  enum class State : std::uint8_t { closed, connecting, greeting, open, waiting };
  enum class Ending : std::uint8_t { by_server, replaced, given_up };

  // ConnectionObserver.
  void on_ready() override;
  void on_frame(const Frame& frame) override;
  void on_delivered() override;
  void on_drained() override;
  void on_ended(const Failure& failure) override;

  void on_connected(Connected connected);
  void on_greeting(const Frame& frame);
  void on_greeted();
  void on_time();
  void fail(BenchError error);
  void close(Ending ending);
  void wait_to_retry();
  void tell_tried();
  void count_bytes_in(BenchTime now);
  BenchTime delivered_at() noexcept;

  BenchScope& scope_;
  const std::uint32_t index_;
  BenchConnectorObserver& observer_;
  State state_ = State::closed;
  Ending ending_ = Ending::by_server;
  bool was_tried_ = false;
  bool is_greeted_ = false;
  std::uint64_t openings_ = 0;
  BenchTime opening_since_{};
  std::optional<BenchTime> delivered_at_;
  std::unique_ptr<Pending> pending_;
  std::unique_ptr<ServerConnection> connection_;
  std::uint64_t bytes_out_ = 0, bytes_in_ = 0;  // of the connection, counted so far
  ShardTimer timer_;  // connecting, greeting: the time-out; waiting: when it is opened again
};

BenchError bench_error(FailureKind kind) noexcept;

}  // namespace fairlead
