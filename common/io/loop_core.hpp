// The Asio side of a Loop. Included by common/io only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/io/loop.hpp"
#include "common/io/ready_set.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {

namespace asio = boost::asio;

// The concrete type: any_io_executor would cost every object of Asio's 48 bytes.
using LoopExecutor = asio::io_context::executor_type;
using LoopTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;

class Link;

class LoopCore {
 public:
  LoopCore();

  asio::io_context& context() noexcept { return context_; }
  BufferPool& pool() noexcept { return pool_; }
  // One read's worth of memory, free between any two callbacks.
  char* scratch() noexcept { return scratch_.get(); }

  // Every completion handler of this loop enters here and nowhere else: time is read once, and what
  // was said leaves when the work is done. Within a turn it is part of that turn.
  template <class Work>
  void turn(Work&& work) {
    if (in_turn_) return work();
    begin_turn();
    work();
    end_turn();
  }

  // Of the one that is under way, or else of the last.
  std::chrono::steady_clock::time_point turn_began() const noexcept { return turn_began_; }

  // As of ReadySet.
  int watch(int descriptor, std::uint32_t before, std::uint32_t events, Watcher& watcher);
  void forget(std::uint32_t before, Watcher& watcher) { ready_.forget(before, watcher); }

  // Has the link report on_finished at the end of this turn, or in the next.
  void finish(Link& link);
  // It is destroyed before that.
  void abandon(Link& link) { std::erase(finished_, &link); }

  void drive(TurnClient& client) { client_ = &client; }
  void run() { context_.run(); }
  void run_spinning() {
    while (!context_.stopped()) context_.poll();
  }
  void run_one() { context_.run_one(); }
  TurnTimes take_turn_times();
  void release();
  void stop() {
    post([this] { context_.stop(); });
  }
  void post(std::function<void()> work);

 private:
  void begin_turn();
  void end_turn();
  void measure_turn();
  void arm_timer();
  void await_ready();
  void await_letters();
  void empty_mailbox();

  // Touched by one thread only, so it needs no lock at all. Others reach it through the mailbox,
  // whose bell is an eventfd: posting into the context from another thread would not be legal.
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  TurnClient* client_ = nullptr;
  BufferPool pool_;
  std::unique_ptr<char[]> scratch_ = std::make_unique<char[]>(kReadBytesMax);

  ReadySet ready_{context_};
  bool awaiting_ready_ = false;
  LoopTimer timer_{context_};
  TimePoint armed_for_ = kNever;
  bool in_turn_ = false;
  std::chrono::steady_clock::time_point turn_began_{};
  std::chrono::microseconds turn_before_{0};  // how long it took
  std::chrono::microseconds worked_{0};       // of this turn, before its writes
  std::chrono::microseconds work_max_;        // the most of that
  // The turn that collected who is being told, and how long the one before that took.
  std::chrono::steady_clock::time_point batch_began_{};
  std::chrono::microseconds turn_before_batch_{0};
  std::size_t turn_events_ = 0;  // of connections
  TurnTimes turn_times_;
  bool continuing_ = false;
  bool released_ = false;
  std::vector<Link*> finished_;

  asio::posix::basic_stream_descriptor<LoopExecutor> mailbox_bell_;
  std::mutex mailbox_mutex_;
  std::vector<std::function<void()>> mailbox_;  // guarded by mailbox_mutex_
};

}  // namespace fairlead
