// The Asio side of a Loop. Included by common/io only.
#pragma once

#include <algorithm>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "common/io/loop.hpp"
#include "common/io/operation_memory.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {

namespace asio = boost::asio;

// The concrete type: any_io_executor would cost every object of Asio's 48 bytes.
using LoopExecutor = asio::io_context::executor_type;
using LoopTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;
using LoopSocket = asio::basic_stream_socket<asio::generic::stream_protocol, LoopExecutor>;

class Link;

// One thread's io_context, and the turns its handlers run in.
//
// A *round* is all handlers between two looks for new events. Its end is a posted handler, which
// Asio runs behind them. A round is one turn, or several where it is long.
class LoopCore {
 public:
  LoopCore();

  asio::io_context& context() noexcept { return context_; }
  OperationPool& operation_memory() noexcept { return operations_; }
  // One read's worth of memory, free between any two callbacks.
  char* scratch() noexcept { return scratch_.get(); }

  // What one read may take: a share of what its round may read, which everybody waits for. `much`:
  // the connection has filled its last read and not had to pause. What is read of one that has to
  // lies in memory, and thousands may wait at once.
  std::size_t read_bytes_max(bool much) const noexcept {
    const std::size_t share = kReadBytesPerRound / (std::max(readers_, last_readers_) + 1);
    return much ? std::clamp(share, kLimitMin, read_limit_)
                : std::clamp(share, kReadBytesMin, std::min(read_limit_, kFirstReadBytesMax));
  }
  // As Loop's.
  void limit_reads(std::size_t bytes_max) {
    read_limit_ = std::clamp(bytes_max, kLimitMin, kReadBytesMax);
  }

  // Every completion handler of this loop enters here and nowhere else. The first one opens a turn;
  // it ends with its round, or as soon as it has done enough.
  template <class Work>
  void turn(Work&& work) {
    if (!in_turn_) begin_turn();
    work();
    if (++handlers_ >= kHandlersPerTurn || is_turn_over()) end_turn();
  }

  // The same for a connection that could be read or written: the time until its reply is measured.
  template <class Work>
  void connection_turn(Work&& work) {
    turn([&] {
      ++connections_;
      ++readers_;
      work();
    });
  }

  // Has the link read again in the next round, behind its replies; or in this one, where the loop
  // is about to sleep.
  void read_again_later(Link& link) { resting_.push_back(&link); }
  // It is terminated or destroyed before that.
  void forget(Link& link);

  // Has the link report on_finished at the end of this turn, or in the next.
  void finish(Link& link);
  // It is destroyed before that.
  void abandon(Link& link) { std::erase(finished_, &link); }

  void drive(TurnClient& client) { client_ = &client; }
  void run();
  void run_spinning();
  void run_one();
  TurnTimes take_turn_times();
  void release();
  void stop() { context_.stop(); }
  void post(std::function<void()> work);

 private:
  using Clock = std::chrono::steady_clock;
  using Links = std::vector<Link*>;

  // A turn ends behind so many handlers, or so much time before its writes. Writes take five times
  // as long for short replies, so a turn is half a millisecond, and nobody whose message came first
  // waits for all that comes behind it.
  static constexpr std::size_t kHandlersPerTurn = 64;
  static constexpr std::chrono::microseconds kWorkMax{250};
  // Fewer links than these are read again at once: the loop is about to sleep, and an attempt that
  // finds nothing costs less than another look for events.
  static constexpr std::size_t kRestingMin = 4;

  // Half a millisecond of copying; and what a read takes at least, or its system call costs more
  // than its bytes.
  static constexpr std::size_t kReadBytesPerRound = std::size_t{512} * 1024;
  static constexpr std::size_t kReadBytesMin = std::size_t{4} * 1024;
  static constexpr std::size_t kLimitMin = 2 * kReadBytesMin;

  bool is_turn_over() const { return Clock::now() >= turn_began_ + kWorkMax; }
  void begin_turn();
  void end_turn();
  void post_end_of_round();
  void end_round();
  void continue_later();
  void read_again();
  void measure_turn();
  void arm_timer();

  OperationPool operations_;  // outlives the context, which destroys what is still pending
  std::unique_ptr<char[]> scratch_ = std::make_unique<char[]>(kReadBytesMax);

  asio::io_context context_{1};  // run by one thread; others may post
  asio::executor_work_guard<LoopExecutor> until_released_{context_.get_executor()};
  TurnClient* client_ = nullptr;
  LoopTimer timer_{context_};
  TimePoint armed_for_ = kNever;

  bool in_turn_ = false;
  bool is_end_posted_ = false;  // of this round
  bool is_round_open_ = false;  // a turn has begun in it
  bool is_continuing_ = false;  // a turn has been posted for what was left
  std::size_t handlers_ = 0;    // of this turn
  std::size_t connections_ = 0;
  std::size_t readers_ = 0;  // connections that could be read or written in this round
  std::size_t last_readers_ = 0;
  std::size_t read_limit_ = kReadBytesMax;
  Clock::time_point turn_began_{};
  Clock::time_point turn_ended_{};
  Clock::time_point round_began_{};
  std::chrono::microseconds last_round_{0};  // how long it took
  TurnTimes turn_times_;

  Links resting_;  // read in this round
  Links rested_;   // in the one before
  Links reading_;  // those that read_again() is about to call
  Links finished_;
};

}  // namespace fairlead
