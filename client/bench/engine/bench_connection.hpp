// One connection under load: opened, lost, opened again; what is said on it is its heirs' business.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "client/api/connection.hpp"
#include "client/bench/engine/bench_scope.hpp"
#include "client/bench/engine/outstanding.hpp"
#include "client/bench/stats/tally.hpp"

namespace fairlead {

// Owned by its worker; used in turns of the scope's shard; destroyed once the loop runs no more.
// What fails is counted and opened again after 50 to 150 ms, drawn by chance so that connections
// which were lost together do not come back together, for as long as the run lasts.
//
// Invariant: begun_ <= due_; the outstanding operations are the last of those begun.
class BenchConnection : private ConnectionObserver {
 public:
  BenchConnection(BenchScope& scope, std::uint32_t index);
  virtual ~BenchConnection() = default;

  // Connects, unless it is connected or about to be.
  void open();

  // So many more operations may be begun; work() begins them.
  void make_due(std::uint64_t times);

  // Begins what is due, as far as there is room. Called in a turn, once the load has begun.
  virtual void work() = 0;

  // What its owner was asked for with call_again().
  void go_on() {
    is_called_again_ = false;
    work();
  }

  // Tells the owner, once, when there is nothing left to do.
  void tell_settled();

  // Gives up a connection whose oldest reply is later than the load allows.
  void check_patience(BenchTime now);

  std::size_t outstanding() const noexcept { return ring_.size(); }
  std::uint64_t held() const noexcept { return due_ - begun_; }

 protected:
  // The connection is there, and nothing has been said on it.
  virtual void on_open() = 0;
  // A frame, or plain bytes, of a connection that is open.
  virtual void on_reply(const Frame& frame) = 0;
  // All that one read has brought has been told.
  virtual void on_replies_end() = 0;
  virtual void on_room() {}  // the kernel has taken all
  // It begins to connect.
  virtual void on_opening(BenchTime now) { static_cast<void>(now); }
  // The server has ended it in order. True: as it should.
  virtual bool on_server_end() { return false; }
  // It may be opened again.
  virtual void reopen() { open(); }
  // A part of the oldest reply has come.
  virtual bool is_within_reply() const { return false; }

  BenchScope& scope() noexcept { return scope_; }
  const BenchPlan& plan() const noexcept { return scope_.plan; }
  std::uint32_t index() const noexcept { return index_; }
  bool is_open() const noexcept { return state_ == State::open && connection_->is_open(); }
  bool is_closed() const noexcept { return state_ == State::closed; }
  Connection& connection() noexcept { return *connection_; }
  OutstandingRing& ring() noexcept { return ring_; }
  const OutstandingRing& ring() const noexcept { return ring_; }
  std::uint16_t channel() const noexcept { return plan().load.service.empty() ? 0 : 1; }

  // How many operations are due and not begun.
  std::uint64_t owed() const noexcept {
    return scope_.phase == BenchPhase::loading ? due_ - begun_ : 0;
  }
  bool owes() const noexcept { return owed() > 0; }
  std::uint64_t next_of_connection() const noexcept { return begun_; }

  // Puts the next operation among the outstanding ones; sent_at() says when it left.
  const Outstanding& begin_operation() noexcept {
    Outstanding& one = ring_.push();
    one = {.of_connection = begun_++};
    if (plan().arrivals) one.intended = due_time(one.of_connection);
    return one;
  }
  // The newest `times` operations have left. `room_since` as of BenchRecorder::sent.
  void sent_at(BenchTime now, std::size_t times, BenchTime room_since, bool room_by_reply);

  // Has work() called in another turn.
  void call_again();

  // The time of what is being delivered; read once for all of it.
  BenchTime delivered_at() noexcept {
    if (!delivered_at_) delivered_at_ = scope_.clock.now();
    return *delivered_at_;
  }

  void count_bytes_out(BenchTime now);

  // Ends every outstanding operation with `first`, those behind the oldest with `others`.
  void fail_all(BenchError first, BenchError others, BenchTime now);

  // Closes it, to be opened again at once, as the load has it.
  void replace();
  // Closes it because of what came; to be opened again after a wait. Outstanding operations that
  // have not failed stay unfinished.
  void give_up();

 private:
  enum class State : std::uint8_t { closed, connecting, greeting, open, waiting };
  enum class Ending : std::uint8_t { by_server, replaced, given_up };

  // ConnectionObserver.
  void on_ready() override;
  void on_frame(const Frame& frame) override;
  void on_delivered() override;
  void on_drained() override;
  void on_ended(const Failure& failure) override;

  BenchTime due_time(std::uint64_t of_connection) const noexcept;
  void connected(Connected connected);
  void on_greeting(const Frame& frame);
  void opened();
  void on_time();
  void failed_to_open(BenchError error);
  void fail_opening(BenchError error, BenchTime now);
  void count_bytes_in(BenchTime now);
  void settle(const Failure& failure, BenchTime now);
  void retry();
  void tried();

  BenchScope& scope_;
  const std::uint32_t index_;
  State state_ = State::closed;
  Ending ending_ = Ending::by_server;
  bool was_tried_ = false;
  bool is_busy_ = false;  // as the owner was told
  bool is_called_again_ = false;
  bool greeted_ = false;
  std::uint64_t openings_ = 0;
  BenchTime opening_since_{};
  std::optional<BenchTime> delivered_at_;
  std::unique_ptr<Pending> pending_;
  std::unique_ptr<Connection> connection_;
  std::uint64_t bytes_out_ = 0, bytes_in_ = 0;  // of the connection, counted so far
  ShardTimer timer_;  // connecting, greeting: until when; waiting: for what it is opened again
  OutstandingRing ring_;
  std::uint64_t due_ = 0;
  std::uint64_t begun_ = 0;
};

// What a connection that could not be made, or that ended, counts as.
BenchError connect_error(const std::error_code& error) noexcept;
BenchError bench_error(FailureKind kind) noexcept;

}  // namespace fairlead
