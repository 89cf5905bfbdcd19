#include "common/log/async_lines.hpp"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <utility>

#include "common/base/check.hpp"

namespace fairlead {

namespace {

// Signals are for the main thread. A blocked SIGPIPE makes a closed pipe an error of write(2) and
// nothing else.
void prepare_thread() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  ::pthread_setname_np(::pthread_self(), "log");
}

constexpr std::chrono::seconds kReportInterval{1};

}  // namespace

struct AsyncLines::Machine {
  class FileSink;

  explicit Machine(AsyncLinesOptions given);
  ~Machine();

  std::uint64_t lost() const { return overrun() + failed.load(std::memory_order_relaxed); }
  std::uint64_t overrun() const { return queue ? queue->overrun_counter() : overrun_at_end; }
  void report_losses_if_due();
  void report_losses();

  AsyncLinesOptions options;
  std::atomic<std::uint64_t> failed{0};
  std::uint64_t reported = 0;  // of lost(); background thread, as is the next
  std::chrono::steady_clock::time_point report_not_before{};

  std::shared_ptr<spdlog::details::thread_pool> pool;
  // The same for the background thread, which goes on asking it while `pool` is being reset.
  spdlog::details::thread_pool* queue = nullptr;
  std::uint64_t overrun_at_end = 0;
  std::vector<std::shared_ptr<FileSink>> sinks;
  std::vector<std::shared_ptr<spdlog::async_logger>> loggers;
};

// Lives on the background thread, so it needs no mutex.
class AsyncLines::Machine::FileSink final
    : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  FileSink(Machine& machine, LineFile& file) : machine_(machine), file_(file) {
    set_formatter(std::make_unique<spdlog::pattern_formatter>(
        machine.options.pattern, spdlog::pattern_time_type::utc, "\n"));
  }

  bool write(const spdlog::details::log_msg& line) {
    spdlog::memory_buf_t text;
    formatter_->format(line, text);
    return file_.write({text.data(), text.size()});
  }

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    machine_.report_losses_if_due();
    if (!write(line)) machine_.failed.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}  // nothing is held back

  Machine& machine_;
  LineFile& file_;
};

AsyncLines::Machine::Machine(AsyncLinesOptions given) : options(std::move(given)) {
  FAIRLEAD_CHECK(!options.files.empty());
  for (const auto& file : options.files) {
    sinks.push_back(std::make_shared<FileSink>(*this, *file));
  }
  pool = std::make_shared<spdlog::details::thread_pool>(options.queue_lines, 1, prepare_thread);
  queue = pool.get();
  for (const auto& sink : sinks) {
    loggers.push_back(std::make_shared<spdlog::async_logger>(
        "", sink, pool, spdlog::async_overflow_policy::overrun_oldest));
    loggers.back()->set_error_handler([this](const std::string&) { ++failed; });
  }
}

AsyncLines::Machine::~Machine() {
  const auto give_up = std::chrono::steady_clock::now() + options.close_wait;
  for (const auto& file : options.files) file->stop_waiting_at(give_up);
  overrun_at_end = queue->overrun_counter();
  pool.reset();  // writes what is queued, then joins the thread
  queue = nullptr;
  report_losses();
}

// Before each line, but while a burst of losses lasts only now and then: the number is of interest,
// not its growth.
void AsyncLines::Machine::report_losses_if_due() {
  if (lost() == reported) return;
  const auto now = std::chrono::steady_clock::now();
  if (queue->queue_size() > 0 && now < report_not_before) return;
  report_not_before = now + kReportInterval;
  report_losses();
}

void AsyncLines::Machine::report_losses() {
  const std::uint64_t total = lost();
  if (total == reported || !options.on_lost) return;
  const std::string report = options.on_lost({total - reported, total});
  const spdlog::details::log_msg line("", spdlog::level::warn, report);
  if (report.empty() || sinks.front()->write(line)) reported = total;
}

AsyncLines::AsyncLines(AsyncLinesOptions options)
    : machine_(std::make_unique<Machine>(std::move(options))) {}

AsyncLines::~AsyncLines() = default;

void AsyncLines::write(std::size_t file, std::string_view line) noexcept {
  try {
    machine_->loggers[file]->log(spdlog::level::info,
                                 spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    count_lost_line();
  }
}

void AsyncLines::count_lost_line() noexcept {
  machine_->failed.fetch_add(1, std::memory_order_relaxed);
}

const std::vector<std::unique_ptr<LineFile>>& AsyncLines::files() const noexcept {
  return machine_->options.files;
}

std::uint64_t AsyncLines::lines_lost() const noexcept { return machine_->lost(); }

}  // namespace fairlead
