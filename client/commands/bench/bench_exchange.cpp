#include <utility>

#include "client/bench/engine/bench_worker.hpp"
#include "client/bench/engine/exchange.hpp"
#include "client/bench/engine/exchange_trace.hpp"
#include "client/bench/report/report_facts.hpp"
#include "client/bench/workload/bench_plan.hpp"
#include "client/cli/exit_code.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/command_loop.hpp"

namespace fairlead {
namespace {

// The engine of the load test over sockets, as in BenchThread, but with one connection, one
// operation and a trace of what goes over it.
class ExchangeRun final : BenchWorkerObserver, BenchClock {
 public:
  ExchangeRun(const Load& load, const Destination& server)
      : plan_(load, server),
        loop_([this] { interrupt(); }),
        wake_(loop_.loop()),
        trace_(loop_.network(), *this),
        worker_(plan_, 0, loop_.shard(), trace_, *this, *this) {}

  void run() {
    loop_.run([this] { worker_.open(); });
    worker_.abandon();
  }

  const std::vector<ExchangeEvent>& events() const noexcept { return trace_.events(); }
  const Tally& tally() const noexcept { return worker_.tally(); }
  bool was_interrupted() const noexcept { return was_interrupted_; }

 private:
  // BenchWorkerObserver. A connection that could not be made would be tried again.
  void on_opened() override {
    if (plan_.opens_first() && !trace_.is_connected()) return worker_.stop();
    worker_.begin(now());
  }
  void on_interval(const Interval&) override {}
  void on_ended() override { loop_.end(); }

  // BenchClock.
  BenchTime now() noexcept override { return std::chrono::steady_clock::now(); }
  void wake_at(BenchTime at) override {
    if (at == BenchTime::max()) return wake_.cancel();
    wake_.set(at, [this] { worker_.on_due(); });
  }

  void interrupt() {
    was_interrupted_ = true;
    loop_.end();
  }

  const BenchPlan plan_;
  CommandLoop loop_;
  Alarm wake_;
  ExchangeTrace trace_;
  BenchWorker worker_;
  bool was_interrupted_ = false;
};

int exit_code_of(const ExchangeRun& run) {
  const auto count = [&run](BenchError error) {
    return run.tally().counts.errors[static_cast<std::size_t>(error)];
  };
  if (run.was_interrupted()) return kExitInterrupted;
  if (count(BenchError::connect_timeout) + count(BenchError::reply_timeout) > 0)
    return kExitTimeout;
  if (run.tally().connect.count() == 0) return kExitCannotConnect;
  const BenchCounts& counts = run.tally().counts;
  const bool is_wrong = counts.all_errors() + counts.all_mismatches() + run.tally().unfinished > 0;
  return is_wrong ? kExitUnexpectedReply : kExitOk;
}

}  // namespace

int show_exchange(const Load& load, const Destination& server, Output& out) {
  ExchangeRun run(one_exchange_of(load), server);
  run.run();
  std::string text =
      exchange_text(run.events()) + '\n' + exchange_outcome(load, run.tally()) + '\n';
  const BenchResult result{.mode = load.mode, .connections = 1, .tally = run.tally()};
  for (const std::string& line : first_mismatch_lines(result)) text += line + '\n';
  out.write(text);
  if (!out.error().empty())
    return report("", {kExitCannotWrite, "cannot write the exchange: " + out.error()});
  return exit_code_of(run);
}

}  // namespace fairlead
