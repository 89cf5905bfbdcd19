#include "common/log/queue_sink.hpp"

#include <pthread.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <utility>

#include "common/base/background_thread.hpp"

namespace fairlead {

namespace {

constexpr std::chrono::seconds kReportInterval{1};

// A queue keeps this much memory for the next lines; more was a burst.
constexpr std::size_t kKeptBytes = 256 * 1024;

std::unique_ptr<spdlog::formatter> formatter_of(const char* pattern) {
  return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n");
}

}  // namespace

QueueSink::QueueSink(std::unique_ptr<LineFile> file, QueueSinkOptions options)
    : base_sink(formatter_of(options.pattern)),
      options_(std::move(options)),
      file_(std::move(file)),
      thread_(start_background_thread([this] { run(); })) {}

QueueSink::~QueueSink() {
  file_->stop_waiting_at(std::chrono::steady_clock::now() + options_.close_wait);
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_up_.notify_one();
  thread_.join();
}

void QueueSink::sink_it_(const spdlog::details::log_msg& message) {
  line_.clear();
  formatter_->format(message, line_);
  queue_.push({line_.data(), line_.size()});
  if (line_.capacity() > kKeptBytes) line_ = spdlog::memory_buf_t();
  while (queue_.lines() > options_.queue_lines ||
         (queue_.bytes() > options_.queue_bytes && queue_.lines() > 1)) {
    queue_.drop_oldest();
    count_lost();
  }
  if (std::exchange(asleep_, false)) wake_up_.notify_one();
}

std::unique_ptr<spdlog::logger> logger_to(const std::shared_ptr<QueueSink>& sink) {
  auto logger = std::make_unique<spdlog::logger>("", sink);
  logger->set_level(spdlog::level::trace);
  logger->set_error_handler([sink = sink.get()](const std::string&) { sink->count_lost(); });
  return logger;
}

// ---- The background thread ----

void QueueSink::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "log");
  std::unique_lock lock(mutex_);
  for (bool ending = false; !ending;) {
    wait_for_lines(lock);
    ending = ending_;  // no thread logs any more: this batch is the last
    std::swap(queue_, batch_);
    lock.unlock();
    report_losses(false);  // those lines were older than the batch
    write_batch();
    write_own_lines(ending);
    report_losses(ending);
    lock.lock();
    if (!ending) wake_up_.wait_for(lock, kGather, [this] { return ending_; });
  }
}

// Waits for a line, or until a line of our own is due.
void QueueSink::wait_for_lines(std::unique_lock<std::mutex>& lock) {
  Time until = next_own_line_.value_or(Time::max());
  if (lines_lost() != reported_) until = std::min(until, report_not_before_);
  asleep_ = true;
  const auto has_work = [this] { return ending_ || !queue_.empty(); };
  if (until == Time::max()) {
    wake_up_.wait(lock, has_work);
  } else {
    wake_up_.wait_until(lock, until, has_work);
  }
  asleep_ = false;
}

void QueueSink::write_batch() noexcept {
  if (batch_.empty()) return;
  const std::size_t written = file_->write(batch_.text());
  count_lost(batch_.lines() - batch_.lines_within(written));
  batch_.clear();
}

void QueueSink::write_own_lines(bool ending) noexcept try {
  if (!options_.on_batch) return;
  std::vector<std::string> lines;
  next_own_line_ = options_.on_batch(lines, ending);
  for (const std::string& line : lines) {
    if (!write_own_line(line)) count_lost();
  }
} catch (...) {
  count_lost();  // no memory for the lines
}

// Reports once per kReportInterval, since a burst of losses may last.
void QueueSink::report_losses(bool ending) noexcept try {
  const std::uint64_t total = lines_lost();
  if (total == reported_ || !options_.on_lost) return;
  const auto now = std::chrono::steady_clock::now();
  if (!ending && now < report_not_before_) return;
  report_not_before_ = now + kReportInterval;
  const std::string report = options_.on_lost({total - reported_, total});
  if (report.empty() || write_own_line(report)) reported_ = total;
} catch (...) {
  return;  // tried again later, since reported_ has not changed
}

bool QueueSink::write_own_line(const std::string& text) {
  spdlog::memory_buf_t line;
  {
    const std::lock_guard lock(mutex_);
    formatter_->format({"", spdlog::level::off, text}, line);
  }
  return file_->write({line.data(), line.size()}) == line.size();
}

// ---- The queue ----

void LineQueue::push(std::string_view line) {
  const std::size_t before = text_.size();
  try {
    text_.append(line);
    ends_.push_back(text_.size());
  } catch (...) {
    text_.resize(before);
    throw;
  }
}

void LineQueue::drop_oldest() {
  ++first_;
  // Dropped lines are erased once they are the larger part, so each line is moved once at most.
  if (first_ < lines() || begin() < bytes()) return;
  const std::size_t dropped = begin();
  text_.erase(0, dropped);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(first_));
  for (std::size_t& end : ends_) end -= dropped;
  first_ = 0;
}

void LineQueue::clear() {
  if (text_.capacity() > kKeptBytes) {
    *this = LineQueue();
    return;
  }
  text_.clear();
  ends_.clear();
  first_ = 0;
}

std::size_t LineQueue::lines_within(std::size_t bytes) const noexcept {
  const auto oldest = ends_.begin() + static_cast<std::ptrdiff_t>(first_);
  return static_cast<std::size_t>(std::upper_bound(oldest, ends_.end(), begin() + bytes) - oldest);
}

}  // namespace fairlead
