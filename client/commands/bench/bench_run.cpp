#include "client/commands/bench/bench_run.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "client/api/dialer.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/workload/arrivals.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "client/bench/workload/source_addresses.hpp"
#include "client/cli/exit_code.hpp"
#include "client/commands/bench/bench_machine.hpp"
#include "client/commands/bench/bench_thread.hpp"
#include "client/commands/command_loop.hpp"

namespace fairlead {
namespace {

// Between telling the threads and the begin of the load, so that all of them know of it before.
constexpr BenchDuration kBeginIn = std::chrono::milliseconds(10);
constexpr BenchDuration kTick = std::chrono::milliseconds(100);

void check_needs(const Load& load, const Destination& server) {
  std::string lines;
  for (const BenchNeed& need : bench_needs(load, bench_facts(server)))
    if (!need.suffices()) lines += (lines.empty() ? "" : "; ") + need_line(need);
  if (!lines.empty()) throw UsageError("this machine has too little for the test: " + lines);
}

// Runs on the calling thread. The other threads report by Loop::post().
class BenchRun final : private BenchThreadObserver {
 public:
  BenchRun(const Load& load, const Destination& server, pid_t pid, BenchWatch& watch)
      : load_(load),
        pid_(pid),
        watch_(watch),
        series_(load.threads, load.warmup),
        loop_([this] { interrupt(); }),
        tick_(loop_.loop()),
        warm_(loop_.loop()) {
    BenchThreadObserver& observer = *this;
    for (std::uint32_t i = 0; i < load.threads; ++i)
      threads_.push_back(std::make_unique<BenchThread>(load, server, i, observer));
  }

  BenchResult run();

 private:
  // BenchThreadObserver, on their threads.
  void on_opened() override {
    loop_.loop().post([this] { on_thread_opened(); });
  }
  void on_interval(std::uint32_t thread, const Interval& interval) override {
    loop_.loop().post([this, thread, interval] { on_thread_interval(thread, interval); });
  }
  void on_load_ended() override {
    loop_.loop().post([this] { on_thread_load_ended(); });
  }
  void on_ended(std::uint32_t thread) override {
    loop_.loop().post([this, thread] { on_thread_ended(thread); });
  }

  void on_thread_opened();
  void begin();
  void on_thread_interval(std::uint32_t thread, const Interval& interval);
  void show_seconds();
  void on_thread_load_ended();
  void on_thread_ended(std::uint32_t thread);
  void interrupt();
  void tick();
  BenchResult result();

  const Load& load_;
  const pid_t pid_;
  BenchWatch& watch_;
  BenchSeries series_;
  CommandLoop loop_;
  Alarm tick_;
  Alarm warm_;
  std::vector<std::unique_ptr<BenchThread>> threads_;
  std::size_t opened_ = 0, load_ended_ = 0, ended_ = 0;  // threads
  BenchTime begin_ = BenchTime::max();
  std::chrono::duration<double, std::milli> offset_before_{0};
  std::optional<BenchDuration> server_cpu_before_, server_cpu_after_;
  BenchResult result_;
};

BenchResult BenchRun::run() {
  offset_before_ = clock_offset();
  result_.began = std::chrono::system_clock::now();
  loop_.run([this] {
    for (const auto& thread : threads_) thread->start();
    tick();
  });
  for (const auto& thread : threads_) thread->end_now();
  return result();
}

void BenchRun::on_thread_opened() {
  if (++opened_ < threads_.size() || result_.interrupted) return;
  begin_ = std::chrono::steady_clock::now() + kBeginIn;
  for (const auto& thread : threads_) thread->begin(begin_);
  warm_.set(begin_ + load_.warmup, [this] { server_cpu_before_ = process_cpu(pid_); });
  watch_.on_begin();
}

void BenchRun::on_thread_interval(std::uint32_t thread, const Interval& interval) {
  series_.add(thread, interval);
  show_seconds();
}

void BenchRun::show_seconds() {
  while (auto row = series_.take()) {
    result_.series.push_back(*row);
    watch_.on_second(*row, series_.totals());
  }
}

void BenchRun::on_thread_load_ended() {
  if (++load_ended_ < threads_.size()) return;
  server_cpu_after_ = process_cpu(pid_);
  watch_.on_load_ended();
}

void BenchRun::on_thread_ended(std::uint32_t thread) {
  series_.end(thread);
  show_seconds();
  if (++ended_ == threads_.size()) loop_.end();
}

void BenchRun::interrupt() {
  if (std::exchange(result_.interrupted, true)) return loop_.end();
  for (const auto& thread : threads_) thread->stop();
}

void BenchRun::tick() {
  watch_.on_tick();
  tick_.set(std::chrono::steady_clock::now() + kTick, [this] { tick(); });
}

BenchResult BenchRun::result() {
  result_.mode = load_.mode;
  result_.is_open_loop = load_.is_open_loop();
  result_.connections = load_.connections;
  result_.spins = load_.spins;
  result_.clock_step_ms = (clock_offset() - offset_before_).count();
  BenchTime end = begin_;
  for (const auto& thread : threads_) {
    result_.tally += thread->tally();
    result_.threads.push_back(thread->use());
    result_.tally.cpu += std::chrono::duration_cast<BenchDuration>(
        std::chrono::duration<double>(thread->use().cpu_seconds));
    end = std::max(end, thread->load_ended());
  }
  if (begin_ == BenchTime::max()) return result_;
  const BenchDuration length = end - begin_;
  result_.measured_seconds = std::max(0.0, seconds(length - load_.warmup));
  if (load_.is_open_loop()) {
    const DueOperations due = due_operations(load_, length);
    result_.due = due.count;
    result_.intended_rate = due.rate;
  }
  if (pid_ != 0 && server_cpu_before_ && server_cpu_after_) {
    result_.server =
        ServerUse{.pid = pid_, .cpu_seconds = seconds(*server_cpu_after_ - *server_cpu_before_)};
  }
  return result_;
}

// ---- The server ----

// Resolves the name; if it has several addresses, finds one that answers.
class BenchTargetSearch {
 public:
  BenchTargetSearch(const Endpoint& server, const DialSettings& settings)
      : server_(server),
        settings_(settings),
        loop_([this] { loop_.end(); }),
        dialer_(loop_.shard(), loop_.network()) {}

  tl::expected<Destination, Failure> run() {
    loop_.run([this] {
      resolving_ = loop_.network().resolve(server_.host.empty() ? "localhost" : server_.host,
                                           server_.port, settings_.family,
                                           [this](const Resolved& answer) { on_resolved(answer); });
    });
    return target_;
  }

 private:
  void on_resolved(const Resolved& answer) {
    const auto addresses = addresses_to_try(answer, settings_.source);
    if (!addresses) {
      target_ = tl::unexpected(addresses.error());
      return loop_.end();
    }
    target_ = Destination{.address = addresses->front(), .path = {}};
    if (addresses->size() == 1) return loop_.end();
    dialer_.dial(server_, settings_, [this](const Dialed& dialed) {
      if (dialed.stream) target_ = dialed.destination;
      loop_.end();
    });
  }

  const Endpoint& server_;
  const DialSettings settings_;
  CommandLoop loop_;
  Dialer dialer_;
  std::unique_ptr<Pending> resolving_;
  tl::expected<Destination, Failure> target_ =
      tl::unexpected(Failure{.kind = FailureKind::name_not_resolved, .what = "interrupted"});
};

}  // namespace

tl::expected<Destination, Failure> find_bench_target(const Endpoint& server, AddressFamily family,
                                                     const Load& load) {
  if (server.kind == Endpoint::Kind::unix_socket)
    return Destination{.address = {}, .path = server.path};
  const DialSettings settings{.family = family,
                              .source = SourceAddresses(load.sources).at(0),
                              .timeout = load.connect_timeout};
  return BenchTargetSearch(server, settings).run();
}

BenchResult run_bench(const Load& load, const Destination& server, pid_t pid, BenchWatch& watch) {
  raise_descriptor_limit();
  check_needs(load, server);
  return BenchRun(load, server, pid, watch).run();
}

}  // namespace fairlead
