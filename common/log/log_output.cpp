#include "common/log/log_output.hpp"

#include <pthread.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/log/event_text.hpp"

namespace fairlead {

namespace {

constexpr std::chrono::seconds kReportInterval{1};

// A queue keeps this much memory for the next lines; more was a burst.
constexpr std::size_t kKeptBytes = 256 * 1024;

std::size_t lines_in(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void append_event(std::string& out, LogFormat format, Level level, std::string_view event,
                  std::span<const Field> fields) {
  const auto append = format == LogFormat::json ? append_event_json : append_event_text;
  append(out, level, event, fields);
}

constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                 spdlog::level::warn, spdlog::level::err,
                                                 spdlog::level::off};

// The level is in the text already; the journal wants it as well.
spdlog::details::log_msg message_of(Level level, std::string_view text) noexcept {
  return {"", kLevels[static_cast<std::size_t>(level)],
          spdlog::string_view_t(text.data(), text.size())};
}

// As syslog(3) counts.
std::string_view priority_of(spdlog::level::level_enum level) noexcept {
  if (level == spdlog::level::debug) return "<7>";
  if (level == spdlog::level::warn) return "<4>";
  if (level == spdlog::level::err) return "<3>";
  return "<6>";
}

std::string_view text_named(std::string_view name, std::span<const Field> fields) noexcept {
  for (const Field& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text != nullptr && field.name == name) return *text;
  }
  return {};
}

}  // namespace

LogOutput::LogOutput(std::shared_ptr<LineFile> file, const LogOptions& options, const Role& role)
    : base_sink(std::make_unique<spdlog::pattern_formatter>(role.pattern,
                                                            spdlog::pattern_time_type::utc, "\n")),
      options_(options),
      role_(role),
      level_(role.level),
      limit_(options.repeats),
      file_(std::move(file)),
      is_journal_(file_->is_journal(options.journal_stream)),
      troubles_to_(role.troubles_to),
      thread_(start_background_thread([this] { run(); })) {}

LogOutput::~LogOutput() {
  finish();
  thread_.join();
}

bool LogOutput::finish() noexcept {
  std::unique_lock lock(mutex_);
  stop_waiting();
  ending_ = true;
  wake_up_.notify_one();
  return has_ended_.wait_for(lock, 2 * options_.close_wait, [this] { return ended_; });
}

void LogOutput::stop_waiting() noexcept {
  deadline_ = std::chrono::steady_clock::now() + options_.close_wait;
}

std::shared_ptr<LineFile> LogOutput::file() {
  const std::lock_guard lock(mutex_);
  return file_;
}

void LogOutput::change_file(std::shared_ptr<LineFile> file, LogSink* troubles_to) {
  const std::lock_guard lock(mutex_);
  if (file != file_) stop_waiting();  // the old one may stand still for ever
  file_ = std::move(file);
  is_journal_ = file_->is_journal(options_.journal_stream);
  troubles_to_ = troubles_to;
}

void LogOutput::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  try {
    if (enabled(level) && admits(level, event, fields)) put(level, event, fields);
  } catch (...) {
    count_lost();  // out of memory
  }
}

void LogOutput::put(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  // One buffer a thread, so that a line costs no allocation here.
  thread_local std::string text;
  text.clear();
  try {
    append_event(text, options_.format, level, event, fields);
    print(text, level);
  } catch (...) {
    count_lost();  // out of memory
  }
}

void LogOutput::print(std::string_view text, Level level) noexcept try {
  log(message_of(level, text));
} catch (...) {
  count_lost();  // out of memory
}

void LogOutput::lay_out(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) {
  line.clear();
  if (!is_journal_) return formatter_->format(message, line);
  spdlog::memory_buf_t laid_out;
  formatter_->format(message, laid_out);
  const std::string_view priority = priority_of(message.level);
  // A text of a transcript may be several lines.
  const char* const end = laid_out.data() + laid_out.size();
  for (const char* from = laid_out.data(); from != end;) {
    const char* const next = std::find(from, end, '\n') + 1;
    line.append(priority.data(), priority.data() + priority.size());
    line.append(from, next);
    from = next;
  }
}

bool LogOutput::admits(Level level, std::string_view event, std::span<const Field> fields) {
  const auto& limited = options_.limited_reasons;
  const std::string_view reason = text_named("reason", fields);
  const bool may_repeat =
      level < Level::warn && std::ranges::find(limited, reason) == limited.end();
  return may_repeat || limit_.admits(level, event, reason, std::chrono::steady_clock::now());
}

void LogOutput::sink_it_(const spdlog::details::log_msg& message) {
  lay_out(message, line_);
  queue_.push({line_.data(), line_.size()});
  if (line_.capacity() > kKeptBytes) line_ = spdlog::memory_buf_t();
  while (queue_.lines() > options_.queue_lines ||
         (queue_.bytes() > options_.queue_bytes && queue_.lines() > 1)) {
    queue_.drop_oldest();
    count_lost();
  }
  if (std::exchange(asleep_, false)) wake_up_.notify_one();
}

// ---- The background thread ----

void LogOutput::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "log");
  std::unique_lock lock(mutex_);
  for (bool ending = false; !ending;) {
    wait_for_lines(lock);
    ending = ending_;  // no thread logs any more: this batch is the last
    std::swap(queue_, batch_);
    if (!ending) deadline_ = Time::max();
    batch_file_ = file_;
    lock.unlock();
    report_losses(false);  // those lines were older than the batch
    write_batch();
    report_repeats(ending);
    report_losses(ending);
    lock.lock();
    if (!ending) wake_up_.wait_for(lock, kGather, [this] { return ending_; });
  }
  ended_ = true;
  has_ended_.notify_all();
}

// Waits for a line, or until a line of our own is due.
void LogOutput::wait_for_lines(std::unique_lock<std::mutex>& lock) {
  Time until = repeats_due_;
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

void LogOutput::write_batch() noexcept {
  if (batch_.empty()) return;
  const LineFile::Written written = batch_file_->write(batch_.text(), deadline_);
  count_lost(lines_in(batch_.text().substr(written.bytes)));
  batch_.clear();
  note_trouble(written.error);
}

void LogOutput::note_trouble(const std::error_code& error) noexcept try {
  if (is_failing_ == static_cast<bool>(error)) return;
  LogSink* to = nullptr;
  {
    const std::lock_guard lock(mutex_);
    to = troubles_to_;
  }
  if (to == nullptr) return;
  is_failing_ = !is_failing_;
  const std::string& path = batch_file_->path();
  if (is_failing_) {
    to->error("log_failing", {field("path", path), field("why", error.message())});
  } else {
    to->warn("log_works_again", {field("path", path), field("lost", lines_lost())});
  }
} catch (...) {
  return;  // no memory for the reason
}

void LogOutput::report_repeats(bool ending) noexcept try {
  for (const auto& repeated :
       limit_.take_due(ending ? Time::max() : std::chrono::steady_clock::now())) {
    const Field fields[] = {field("what", repeated.event), field("n", repeated.lines),
                            field("reason", repeated.reason)};
    const std::size_t count = repeated.reason.empty() ? 2 : 3;
    if (!write_own_line(repeated.level, "suppressed", std::span(fields).first(count))) count_lost();
  }
  repeats_due_ = limit_.next_due();
} catch (...) {
  count_lost();  // no memory for the lines
}

// Reports once per kReportInterval, since a burst of losses may last.
void LogOutput::report_losses(bool ending) noexcept try {
  const std::uint64_t total = lines_lost();
  if (total == reported_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!ending && now < report_not_before_) return;
  report_not_before_ = now + kReportInterval;
  const Field fields[] = {field("n", total - reported_), field("total", total)};
  if (role_.losses_to != nullptr) {
    role_.losses_to->write(Level::warn, role_.losses, fields);
  } else if (!write_own_line(Level::warn, role_.losses, fields)) {
    return;
  }
  reported_ = total;
} catch (...) {
  return;  // tried again later, since reported_ has not changed
}

bool LogOutput::write_own_line(Level level, std::string_view event, std::span<const Field> fields) {
  std::string text;
  append_event(text, options_.format, level, event, fields);
  spdlog::memory_buf_t line;
  {
    const std::lock_guard lock(mutex_);
    lay_out(message_of(level, text), line);
  }
  return batch_file_->write({line.data(), line.size()}, deadline_).bytes == line.size();
}

// ---- The queue ----

void LineQueue::push(std::string_view lines) {
  text_ += lines;
  lines_ += lines_in(lines);
}

void LineQueue::drop_oldest() {
  begin_ = text_.find('\n', begin_) + 1;
  --lines_;
  // Dropped lines are erased once they are the larger part, so each line is moved once at most.
  if (begin_ < bytes()) return;
  text_.erase(0, begin_);
  begin_ = 0;
}

void LineQueue::clear() {
  text_.clear();
  if (text_.capacity() > kKeptBytes) text_.shrink_to_fit();
  begin_ = lines_ = 0;
}

}  // namespace fairlead
