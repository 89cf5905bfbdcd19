// One connection under load: opened, and again when it was lost; sends what is due as soon as there
// is room, and counts what becomes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "client/api/connection.hpp"
#include "client/bench/engine/bench_traffic.hpp"
#include "client/bench/engine/operations.hpp"

namespace fairlead {

// Owned by its worker; used in turns of the scope's shard; destroyed once the loop runs no more.
// Where each operation has a connection of its own, it begins when that is opened. What one read
// has made possible leaves in one write, at once.
class BenchConnection final : private ConnectionObserver {
 public:
  BenchConnection(BenchScope& scope, std::uint32_t index);

  // Connects, unless it is connected or about to be.
  void open();

  // Begins what is due, as far as there is room. Called in a turn, once the load has begun.
  void work();

  // The owner calls it after BenchWorker::resume_later().
  void resume() {
    will_resume_ = false;
    work();
  }

  // Gives up a connection whose oldest reply is later than the load allows.
  void check_patience(BenchTime now);

  // The load has ended at `end`: what is due is never sent.
  void give_up_unsent(BenchTime end, BenchTime now) {
    operations_.give_up_unsent(waited_for(end), room_.paused_from, now);
  }

  // What is due and what is outstanding; work() begins what is due.
  Operations& operations() noexcept { return operations_; }

 private:
  enum class State : std::uint8_t { closed, connecting, greeting, open, waiting };
  enum class Ending : std::uint8_t {
    by_server,  // or by the network
    replaced,   // to be opened again at once: as the load wants, or it had served
    given_up,   // by us, because of what came; opened again after a wait
  };

  // ConnectionObserver.
  void on_ready() override;
  void on_frame(const Frame& frame) override;
  void on_delivered() override;
  void on_drained() override;
  void on_ended(const Failure& failure) override;

  void on_connected(Connected connected);
  void on_greeting(const Frame& frame);
  void on_greeting_came();
  void on_greeted();
  void on_time();
  void fail(BenchError error);
  void wait_to_retry();
  void retry();
  void tell_tried();
  void reopen();

  void send_due();
  void send_only_one();
  void on_all_sent(BenchTime now);
  void finish_unanswered(BenchTime now);
  void resume_later();
  std::uint64_t sendable() const noexcept;
  bool is_open() const noexcept { return state_ == State::open && connection_->is_open(); }
  bool is_used_up() const noexcept { return uses_left_ == 0; }
  bool has_room() const noexcept { return operations_.room() > 0 && !is_blocked_ && !is_used_up(); }
  void set_room(BenchTime now, Wait by) noexcept;
  // What the next message waited for at `end`, a time that may have passed.
  Wait waited_for(BenchTime end) noexcept;

  void on_replies(BenchTime now);
  BenchTime delivered_at() noexcept;
  void count_bytes_out(BenchTime now);
  void count_bytes_in(BenchTime now);

  void close(Ending ending);
  bool is_in_order(const Failure& failure, BenchTime now);
  void on_closed();

  BenchScope& scope_;
  const std::uint32_t index_;
  Operations operations_;
  std::unique_ptr<BenchTraffic> traffic_;
  ShardTimer timer_;  // connecting, greeting: the time-out; waiting: when it is opened again

  State state_ = State::closed;
  Ending ending_ = Ending::by_server;
  std::unique_ptr<Pending> pending_;
  std::unique_ptr<ServerConnection> connection_;
  std::uint64_t openings_ = 0;
  BenchTime opening_since_{};
  bool was_tried_ = false;
  bool is_greeted_ = false;

  std::uint64_t uses_left_ = 0;         // operations, until the connection is replaced
  std::uint64_t completed_before_ = 0;  // operations, by earlier connections
  Room room_;                           // what made the last room
  bool had_room_ = true;
  bool is_blocked_ = false;  // the kernel takes no more at the moment
  bool will_resume_ = false;
  std::optional<BenchTime> delivered_at_;       // one time for all of one delivery
  BenchTime last_bytes_at_{};                   // of the last delivery
  std::uint64_t bytes_out_ = 0, bytes_in_ = 0;  // of the connection, counted so far
};

}  // namespace fairlead
