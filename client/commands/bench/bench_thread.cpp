#include "client/commands/bench/bench_thread.hpp"

#include <pthread.h>

#include <string>

#include "common/base/background_thread.hpp"

namespace fairlead {
BenchThread::BenchThread(const Load& load, const Destination& server, std::uint32_t thread,
                         BenchThreadObserver& observer)
    : observer_(observer),
      thread_(thread),
      plan_(load, server),
      shard_(Loop::read_clock()),
      network_(loop_),
      wake_(loop_),
      warm_(loop_),
      worker_(plan_, thread, shard_, network_, *this, *this) {
  loop_.drive(shard_);
}

BenchThread::~BenchThread() { end_now(); }

void BenchThread::start() {
  loop_.post([this] { worker_.open(); });
  running_ = start_background_thread([this] { run(); });
}

void BenchThread::run() {
  ::pthread_setname_np(::pthread_self(), ("bench-" + std::to_string(thread_)).c_str());
  wake_on_time();
  if (plan_.load.spins) {
    loop_.run_spinning();
  } else {
    loop_.run();
  }
}

void BenchThread::begin(BenchTime at) {
  loop_.post([this, at] {
    worker_.begin(at);
    warm_.set(at + plan_.load.warmup, [this] {
      measured_since_ = now();
      times_before_ = thread_times();
    });
  });
}

void BenchThread::stop() {
  loop_.post([this] { worker_.stop(); });
}

void BenchThread::wake_at(BenchTime at) {
  if (at == BenchTime::max()) return wake_.cancel();
  wake_.set(at, [this] { worker_.on_due(); });
}

void BenchThread::on_load_ended() {
  const BenchTime time = now();
  if (time > measured_since_) {
    const ThreadTimes times = thread_times();
    use_ = {.cpu_seconds = seconds(times.cpu - times_before_.cpu),
            .starved_seconds = seconds(times.starved - times_before_.starved),
            .wall_seconds = seconds(time - measured_since_)};
  }
  observer_.on_load_ended();
}

void BenchThread::on_ended() {
  observer_.on_ended(thread_);
  loop_.stop();
}

void BenchThread::end_now() {
  loop_.stop();
  if (running_.joinable()) running_.join();
  worker_.abandon();
}

}  // namespace fairlead
