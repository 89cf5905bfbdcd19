#include "client/commands/bench/bench_run.hpp"

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/bench/engine/bench_worker.hpp"
#include "client/bench/engine/exchange_trace.hpp"
#include "client/bench/report/report_facts.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "client/cli/exit_code.hpp"
#include "client/commands/bench/bench_machine.hpp"
#include "client/commands/bench/bench_settings.hpp"
#include "client/commands/command_loop.hpp"
#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"

namespace fairlead {
namespace {

// Between telling the threads and the begin of the load, so that all of them know of it before.
constexpr BenchDuration kBeginIn = std::chrono::milliseconds(10);
constexpr Duration kTick{100};  // between two looks of the report

class BenchRun;

// One thread of a load test: its loop, its sockets, its clock, and the worker that uses them. Made,
// used and destroyed on the thread that controls the run, to which it tells what happens.
class BenchThread final : private BenchWorkerObserver, BenchClock {
 public:
  enum class Trace : std::uint8_t { none, written };

  // Throws SettingError.
  BenchThread(const Load& load, const std::vector<Destination>& servers, std::uint32_t thread,
              Trace trace, BenchRun& run);
  ~BenchThread() { end_now(); }

  // Begins to make the connections that are opened before the load begins.
  void start();
  // The load begins at `at`, once all threads are open.
  void begin(BenchTime at);
  // In order: the last replies are waited for.
  void stop() {
    loop_.post([this] { worker_.stop(); });
  }

  // Ends it without waiting for replies, and returns when the thread is gone. The functions below
  // may be called from then on.
  void end_now();

  const Tally& tally() const noexcept { return worker_.tally(); }
  BenchTime load_ended() const noexcept { return worker_.load_ended(); }
  const ThreadUse& use() const noexcept { return use_; }
  CoarseHistogram own_work() { return loop_.take_turn_times().replies; }
  std::string trace() const { return trace_->text(); }

 private:
  // BenchWorkerObserver.
  void on_opened() override;
  void on_interval(const Interval& interval) override;
  void on_load_ended() override;
  void on_ended() override;

  // BenchClock.
  BenchTime now() noexcept override { return std::chrono::steady_clock::now(); }
  void wake_at(BenchTime at) override {
    if (at == BenchTime::max()) return wake_.cancel();
    wake_.set(at, [this] { worker_.on_due(); });
  }

  void run();

  BenchRun& run_;
  const std::uint32_t thread_;
  const BenchPlan plan_;
  Loop loop_;
  ClientShard shard_;
  Connector connector_;
  Alarm wake_;
  Alarm warm_;  // the end of the warm-up
  std::optional<ExchangeTrace> trace_;
  BenchWorker worker_;
  std::optional<ThreadUse> use_before_;  // the warm-up is over
  ThreadUse use_;
  std::thread running_;
};

// Runs on the calling thread. Throws SettingError.
class BenchRun {
 public:
  using Trace = BenchThread::Trace;

  BenchRun(const Load& load, const std::vector<Destination>& servers, pid_t pid, BenchWatch& watch,
           std::span<const Threshold> abort_on = {}, Trace trace = Trace::none)
      : load_(load),
        pid_(pid),
        watch_(watch),
        abort_on_(abort_on),
        begin_in_(trace == Trace::none ? kBeginIn : BenchDuration::zero()),
        series_(load.threads, load.warmup),
        loop_([this] { interrupt(); }),
        tick_(loop_.shard(), [this] { tick(); }),
        warm_(loop_.loop()) {
    for (std::uint32_t i = 0; i < load.threads; ++i)
      threads_.push_back(std::make_unique<BenchThread>(load, servers, i, trace, *this));
  }

  BenchResult run() {
    offset_before_ = clock_offset();
    result_.began = std::chrono::system_clock::now();
    loop_.run([this] {
      for (const auto& thread : threads_) thread->start();
      tick();
    });
    ended_at_ = std::chrono::steady_clock::now();
    for (const auto& thread : threads_) thread->end_now();
    return result();
  }
  // After run(), where it is written.
  std::string trace() const { return threads_.front()->trace(); }

  // Has `event` called on the thread of the run. From any thread.
  void post(std::function<void()> event) { loop_.loop().post(std::move(event)); }

  // The threads post these.
  void on_opened() {
    if (++opened_ < threads_.size() || is_stopping_) return;
    begin_ = std::chrono::steady_clock::now() + begin_in_;
    for (const auto& thread : threads_) thread->begin(begin_);
    warm_.set(begin_ + load_.warmup, [this] { server_cpu_before_ = process_cpu(pid_); });
    watch_.on_begin();
  }
  void on_interval(std::uint32_t thread, const Interval& interval) {
    series_.add(thread, interval);
    show_seconds();
  }
  void on_load_ended() {
    if (++load_ended_ < threads_.size()) return;
    server_cpu_after_ = process_cpu(pid_);
    watch_.on_load_ended();
  }
  void on_ended(std::uint32_t thread) {
    series_.end(thread);
    show_seconds();
    if (++ended_ == threads_.size()) loop_.end();
  }

 private:
  void show_seconds() {
    while (auto row = series_.take()) {
      result_.series.push_back(*row);
      watch_.on_second(*row, series_.totals());
      if (!row->is_warmup) abort_if(row->second);
    }
  }
  // A rule that holds now ends the run in order.
  void abort_if(std::uint32_t second) {
    if (abort_on_.empty() || is_stopping_) return;
    const auto warmup = std::chrono::ceil<std::chrono::seconds>(load_.warmup);
    const BenchResult so_far = result_so_far(series_.totals(), load_.mode,
                                             seconds(std::chrono::seconds(second + 1) - warmup));
    for (const Threshold& rule : abort_on_) {
      ThresholdOutcome outcome = rule.judge(so_far);
      if (!outcome.met) continue;
      outcome.met = false;
      result_.aborted_by = std::move(outcome);
      is_stopping_ = true;
      for (const auto& thread : threads_) thread->stop();
      return;
    }
  }
  void interrupt() {
    if (std::exchange(is_stopping_, true)) {
      result_.interrupted = true;
      return loop_.end();
    }
    // Without another end this one is no interruption.
    result_.interrupted = !load_.is_endless || begin_ == BenchTime::max();
    for (const auto& thread : threads_) thread->stop();
  }
  void tick() {
    watch_.on_tick();
    tick_.set(loop_.shard().now() + kTick);
  }

  BenchResult result() {
    result_.mode = load_.mode;
    result_.is_open_loop = load_.is_open_loop();
    result_.connections = load_.connections;
    result_.spins = load_.spins;
    result_.clock_step_ms = (clock_offset() - offset_before_).count();
    BenchTime end = begin_;
    for (const auto& thread : threads_) {
      result_.tally += thread->tally();
      result_.threads.push_back(thread->use());
      result_.own_work += thread->own_work();
      end = std::max(end, thread->load_ended());
    }
    if (begin_ == BenchTime::max()) return result_;
    const BenchDuration length = end - begin_;
    result_.measured_seconds = std::max(0.0, seconds(length - load_.warmup));
    if (load_.is_open_loop()) {
      result_.intended_rate = intended_rate(load_, length);
    }
    const BenchTime last = result_.tally.last_received;
    result_.last_received_seconds = last < begin_ ? 0 : seconds(last - begin_);
    result_.silent_seconds = seconds(ended_at_ - last);
    if (pid_ != 0 && server_cpu_before_ && server_cpu_after_) {
      result_.server =
          ServerUse{.pid = pid_, .cpu_seconds = seconds(*server_cpu_after_ - *server_cpu_before_)};
    }
    return result_;
  }

  const Load& load_;
  const pid_t pid_;
  BenchWatch& watch_;
  const std::span<const Threshold> abort_on_;
  const BenchDuration begin_in_;
  BenchSeries series_;
  CommandLoop loop_;
  ShardTimer tick_;
  Alarm warm_;
  std::vector<std::unique_ptr<BenchThread>> threads_;
  bool is_stopping_ = false;                             // Ctrl-C
  std::size_t opened_ = 0, load_ended_ = 0, ended_ = 0;  // threads
  BenchTime begin_ = BenchTime::max(), ended_at_{};
  std::chrono::duration<double, std::milli> offset_before_{0};
  std::optional<BenchDuration> server_cpu_before_, server_cpu_after_;
  BenchResult result_;
};

// ---- A thread ----

BenchThread::BenchThread(const Load& load, const std::vector<Destination>& servers,
                         std::uint32_t thread, Trace trace, BenchRun& run)
    : run_(run),
      thread_(thread),
      plan_(load, servers),
      shard_(Loop::read_clock()),
      connector_(loop_),
      wake_(loop_),
      warm_(loop_),
      trace_(trace == Trace::none ? std::nullopt
                                  : std::optional<ExchangeTrace>(std::in_place, connector_,
                                                                 static_cast<BenchClock&>(*this))),
      worker_(plan_, thread, shard_, trace_ ? static_cast<Network&>(*trace_) : connector_, *this,
              *this) {
  loop_.drive(shard_);
}

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
      use_before_ = thread_use();
      loop_.take_turn_times();  // what they were until now
    });
  });
}

void BenchThread::end_now() {
  loop_.stop();
  if (running_.joinable()) running_.join();
  worker_.abandon();
}

void BenchThread::on_opened() {
  // One exchange: a connection that could not be made would be tried again.
  if (trace_ && plan_.opens_first() && !trace_->is_connected()) return worker_.stop();
  run_.post([&run = run_] { run.on_opened(); });
}

void BenchThread::on_interval(const Interval& interval) {
  run_.post([&run = run_, thread = thread_, interval] { run.on_interval(thread, interval); });
}

void BenchThread::on_load_ended() {
  if (use_before_) use_ = thread_use(*use_before_);
  run_.post([&run = run_] { run.on_load_ended(); });
}

void BenchThread::on_ended() {
  run_.post([&run = run_, thread = thread_] { run.on_ended(thread); });
  loop_.stop();
}

void check_needs(const Load& load, std::span<const Destination> servers) {
  std::string lines;
  for (const BenchNeed& need : bench_needs(load, bench_facts(servers)))
    if (!need.suffices()) lines += (lines.empty() ? "" : "; ") + need_line(need);
  if (!lines.empty()) throw UsageError("this machine has too little for the test: " + lines);
}

// ---- One exchange ----

int exit_code_of(const BenchResult& result) {
  const BenchCounts& counts = result.tally.counts;
  if (result.interrupted) return kExitInterrupted;
  if (counts.of(BenchError::connect_timeout) + counts.of(BenchError::reply_timeout) > 0)
    return kExitTimeout;
  if (result.tally.connect.count() == 0) return kExitCannotConnect;
  const bool is_wrong = counts.all_errors() + counts.all_connect_errors() +
                            counts.all_mismatches() + result.tally.unfinished >
                        0;
  return is_wrong ? kExitUnexpectedReply : kExitOk;
}

}  // namespace

int show_exchange(const Load& load, const std::vector<Destination>& servers, Encoding terminal) {
  const Load single = one_exchange_of(load);
  Output err(2);
  BenchWatch watch(single, BenchView::none, err, terminal);
  BenchRun run(single, servers, 0, watch, {}, BenchRun::Trace::written);
  const BenchResult result = run.run();
  std::string text = run.trace() + '\n' + exchange_outcome(load, result.tally) + '\n';
  for (const WrongReply& reply : wrong_replies(result)) {
    text += reply.line + '\n';
    for (const std::string& line : reply.diff) text += line + '\n';
  }
  const int written = print_report(text, terminal, 1);
  return written != kExitOk ? written : exit_code_of(result);
}

BenchResult run_bench(const Load& load, const std::vector<Destination>& servers, pid_t pid,
                      BenchWatch& watch, std::span<const Threshold> abort_on) {
  raise_descriptor_limit();
  check_needs(load, servers);
  BenchResult result = BenchRun(load, servers, pid, watch, abort_on).run();
  for (const Destination& server : servers) result.addresses.push_back(server.text());
  return result;
}

}  // namespace fairlead
