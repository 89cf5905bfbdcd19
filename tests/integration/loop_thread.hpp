// A Loop on a thread of its own, and what happens there made visible to the test's thread, which
// plays the peer with plain blocking sockets.
#pragma once

#include <pthread.h>
#include <time.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/io/loop.hpp"
#include "common/net/output_queue.hpp"

namespace fairlead {

// Far beyond what anything here takes.
constexpr std::chrono::seconds kDeadline{60};

// No shard: turns that do nothing of their own.
class EmptyTurns final : public TurnClient {
 public:
  void begin_turn(TimePoint) override {}
  void on_timer() override {}
  bool run_deferred() override { return false; }
  bool end_turn() override { return false; }
  std::optional<TimePoint> next_due() const override { return {}; }
};

class LoopThread {
 public:
  LoopThread() {
    loop_.drive(turns_);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~LoopThread() {
    loop_.post([this] { loop_.release(); });
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // Runs `work` in a turn of the loop and waits for it.
  template <class Work>
  auto call(Work work) {
    // Shared: the result is there a moment before the task has ended.
    using Task = std::packaged_task<decltype(work())()>;
    const auto task = std::make_shared<Task>(std::move(work));
    auto result = task->get_future();
    loop_.post([task] { (*task)(); });
    return result.get();
  }

  Loop& loop() { return loop_; }
  std::thread::id id() const { return thread_.get_id(); }

  std::chrono::nanoseconds processor_time() {
    clockid_t clock{};
    ::pthread_getcpuclockid(thread_.native_handle(), &clock);
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }

 private:
  EmptyTurns turns_;
  Loop loop_;
  std::thread thread_;
};

// What several threads tell each other: changed and asked under one mutex.
template <class State>
class Watched {
 public:
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change(state_);
    changed_.notify_all();
  }

  // False: it has not become so within the deadline.
  template <class Condition>
  bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return condition(state_); });
  }

  State now() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_{};
};

// What one ByteStream has reported.
struct Reported {
  std::string bytes;
  int deliveries = 0;
  int ends = 0;
  int silences = 0;
  int writes = 0;  // those that had to wait, and have come to something
  int finishes = 0;
  int halts = 0;
  std::vector<StreamError> errors;
};

// Owns a ByteStream made on the loop with its queue, as a connection does, and records.
// `on_bytes_do`, when set, runs within each delivery.
class Recorder final : public StreamObserver {
 public:
  explicit Recorder(LoopThread& thread) : thread_(thread) {}
  ~Recorder() {
    thread_.call([this] {
      if (stream) stream->terminate(TerminateManner::quiet);
    });
    if (stream) reported.wait_until([](const Reported& now) { return now.finishes > 0; });
    thread_.call([this] { stream.reset(); });
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void adopt(int descriptor) {
    thread_.call([this, descriptor] {
      stream = thread_.loop().adopt(descriptor);
      stream->start(*this);
    });
  }
  void flush() { output.flush(*stream); }

  void on_bytes(Bytes bytes) override {
    if (on_bytes_do) on_bytes_do(bytes);
    reported.change([bytes](Reported& now) {
      now.bytes += bytes;
      ++now.deliveries;
    });
  }
  void on_end() override {
    reported.change([](Reported& now) { ++now.ends; });
  }
  void on_silence() override {
    reported.change([](Reported& now) { ++now.silences; });
  }
  void on_written(std::size_t size) override {
    output.on_written(size);
    flush();
    reported.change([](Reported& now) { ++now.writes; });
  }
  void on_error(StreamError error) override {
    reported.change([error](Reported& now) { now.errors.push_back(error); });
  }
  void on_finished() override {
    reported.change([](Reported& now) { ++now.finishes; });
  }

  void on_halted() override {
    reported.change([](Reported& now) { ++now.halts; });
  }

  // Touched on the loop's thread only.
  BufferPool pool;
  OutputQueue output{pool};
  std::unique_ptr<ByteStream> stream;
  std::function<void(Bytes)> on_bytes_do;

  Watched<Reported> reported;

 private:
  LoopThread& thread_;
};

}  // namespace fairlead
