#include "common/log/async_lines.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/base/check.hpp"

namespace fairlead {

namespace {

constexpr std::chrono::seconds kReportInterval{1};

// A queue keeps this much for the next lines; more was a burst.
constexpr std::size_t kKeptBytes = 256 * 1024;

}  // namespace

// ---- The queue ----

void LineQueue::push(std::string_view line) {
  const std::size_t before = text_.size();
  try {
    text_.append(line);
    text_ += '\n';
    ends_.push_back(text_.size());
  } catch (...) {
    text_.resize(before);
    throw;
  }
}

void LineQueue::drop_oldest() {
  ++first_;
  // What has been dropped is moved over once it is the larger part, so each line is moved once.
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

// ---- Whoever writes ----

AsyncLines::AsyncLines(std::unique_ptr<LineFile> file, AsyncLinesOptions options)
    : options_(std::move(options)),
      file_(std::move(file)),
      thread_(start_background_thread([this] { run(); })) {
  FAIRLEAD_CHECK(file_ != nullptr);
}

AsyncLines::~AsyncLines() {
  file_->stop_waiting_at(std::chrono::steady_clock::now() + options_.close_wait);
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_up_.notify_one();
  thread_.join();
}

void AsyncLines::write(std::string_view line) noexcept {
  bool wake = false;
  try {
    const std::lock_guard lock(mutex_);
    queue_.push(line);
    while (queue_.lines() > options_.queue_lines ||
           (queue_.bytes() > options_.queue_bytes && queue_.lines() > 1)) {
      queue_.drop_oldest();
      count_lost(1);
    }
    wake = std::exchange(asleep_, false);
  } catch (...) {
    count_lost(1);
  }
  if (wake) wake_up_.notify_one();
}

// ---- The background thread ----

void AsyncLines::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "log");
  std::unique_lock lock(mutex_);
  for (bool ending = false; !ending;) {
    wait_for_lines(lock);
    ending = ending_;  // nobody writes any more: what is taken now is the last
    std::swap(queue_, batch_);
    lock.unlock();
    report_losses(false);  // they were lost before those that are here
    write_batch();
    write_own_lines(ending);
    report_losses(ending);
    lock.lock();
    if (!ending) wake_up_.wait_for(lock, kGather, [this] { return ending_; });
  }
}

// Or for the time of a line of our own.
void AsyncLines::wait_for_lines(std::unique_lock<std::mutex>& lock) {
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

void AsyncLines::write_batch() noexcept {
  if (batch_.empty()) return;
  const std::size_t written = file_->write(batch_.text());
  count_lost(batch_.lines() - batch_.lines_within(written));
  batch_.clear();
}

void AsyncLines::write_own_lines(bool ending) noexcept try {
  if (!options_.on_batch) return;
  std::string lines;
  next_own_line_ = options_.on_batch(lines, ending);
  if (file_->write(lines) < lines.size()) {
    count_lost(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')));
  }
} catch (...) {
  count_lost(1);  // there was no memory for what it says
}

// While a burst of losses lasts only now and then: the number is of interest, not its growth.
void AsyncLines::report_losses(bool ending) noexcept try {
  const std::uint64_t total = lines_lost();
  if (total == reported_ || !options_.on_lost) return;
  const auto now = std::chrono::steady_clock::now();
  if (!ending && now < report_not_before_) return;
  report_not_before_ = now + kReportInterval;
  std::string report = options_.on_lost({total - reported_, total});
  if (!report.empty()) report += '\n';
  if (file_->write(report) == report.size()) reported_ = total;
} catch (...) {
  return;  // asked for again, since it has not been written
}

}  // namespace fairlead
