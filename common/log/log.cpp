#include "common/log/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "common/log/async_lines.hpp"
#include "common/log/event_text.hpp"
#include "common/log/line_file.hpp"
#include "common/log/repeat_limit.hpp"

namespace fairlead {

namespace {

// Of a line: the time, then the event.
std::unique_ptr<spdlog::formatter> layout_of(LogFormat format) {
  const char* const pattern = format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                                        : "%Y-%m-%dT%H:%M:%S.%eZ %v";
  return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "");
}

spdlog::level::level_enum spdlog_level(Level level) noexcept {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

// Where spdlog's lines go instead of to a file.
class QueueSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  QueueSink(AsyncLines& lines, LogFormat format) : lines_(lines) {
    set_formatter(layout_of(format));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    formatter_->format(message, line_);
    lines_.write({line_.data(), line_.size()});
  }
  void flush_() override {}  // nothing is held back here

  AsyncLines& lines_;
  spdlog::memory_buf_t line_;
};

void append_event(std::string& out, LogFormat format, Level level, std::string_view event,
                  std::span<const Field> fields) {
  if (format == LogFormat::json) {
    append_event_json(out, level, event, fields);
  } else {
    append_event_text(out, level, event, fields);
  }
}

const char* advice_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "create its folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "let this user write there, or name another file";
    case EISDIR:
      return "name a file in that folder";
    default:
      return "name another file";
  }
}

std::string open_error(const std::string& path, std::error_code code) {
  return "cannot open the log file " + path + ": " + code.message() + "; " +
         advice_for(code.value());
}

std::string_view text_named(std::string_view name, std::span<const Field> fields) noexcept {
  for (const Field& one : fields) {
    const auto* text = std::get_if<std::string_view>(&one.value);
    if (text != nullptr && one.name == name) return *text;
  }
  return {};
}

}  // namespace

// One destination: what is written there, and how often.
class Log::Output {
 public:
  using ReportLoss = std::function<std::string(LostLines)>;

  // Without a function of its own, losses are reported in this same file.
  Output(std::unique_ptr<LineFile> file, Level level, const LogOptions& options,
         ReportLoss report_loss = {})
      : format_(options.format),
        is_limited_(options.repeats > 0),
        limited_reasons_(options.limited_reasons),
        limit_(options.repeats),
        own_layout_(layout_of(options.format)),
        lines_(std::move(file),
               {.queue_lines = options.queue_lines,
                .close_wait = options.close_wait,
                .on_lost = report_loss ? std::move(report_loss) : own_loss_report(),
                .on_batch = [this](std::string& lines,
                                   bool ending) { return summarize(lines, ending); }}),
        logger_("", std::make_shared<QueueSink>(lines_, options.format)) {
    logger_.set_error_handler([this](const std::string&) { lines_.count_lost_line(); });
    set_level(level);
  }

  void set_level(Level level) { logger_.set_level(spdlog_level(level)); }
  bool enabled(Level level) const noexcept {
    return level != Level::off && logger_.should_log(spdlog_level(level));
  }

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
    // One buffer a thread, so that a line costs no allocation here.
    thread_local std::string text;
    text.clear();
    try {
      if (!admits(level, event, fields)) return;
      append_event(text, format_, level, event, fields);
      logger_.log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
    } catch (...) {
      lines_.count_lost_line();  // there was no memory to write it down
    }
  }

  AsyncLines& lines() noexcept { return lines_; }

 private:
  bool admits(Level level, std::string_view event, std::span<const Field> fields) {
    if (!is_limited_) return true;
    const std::string_view reason = text_named("reason", fields);
    if (level < Level::warn &&
        std::ranges::find(limited_reasons_, reason) == limited_reasons_.end())
      return true;
    return limit_.admits(level, event, reason, std::chrono::steady_clock::now());
  }

  // A line that the background thread writes itself, past the queue.
  void append_own_line(std::string& out, Level level, std::string_view event,
                       std::span<const Field> fields) const {
    std::string text;
    append_event(text, format_, level, event, fields);
    spdlog::memory_buf_t line;
    own_layout_->format({"", spdlog_level(level), text}, line);
    out.append(line.data(), line.size());
  }

  std::optional<RepeatLimit::Time> summarize(std::string& lines, bool ending) {
    const auto now = ending ? RepeatLimit::Time::max() : std::chrono::steady_clock::now();
    for (const auto& one : limit_.take_due(now)) {
      const Field fields[] = {field("what", one.event), field("n", one.lines),
                              field("reason", one.reason)};
      const std::size_t count = one.reason.empty() ? 2 : 3;
      append_own_line(lines, one.level, "suppressed", std::span(fields).first(count));
      lines += '\n';
    }
    return limit_.next_due();
  }

  ReportLoss own_loss_report() {
    return [this](LostLines lost) {
      const Field fields[] = {field("n", lost.since_last_report), field("total", lost.total)};
      std::string line;
      append_own_line(line, Level::warn, "log_lines_lost", fields);
      return line;
    };
  }

  const LogFormat format_;
  const bool is_limited_;
  const std::vector<std::string_view> limited_reasons_;
  RepeatLimit limit_;
  const std::unique_ptr<spdlog::formatter> own_layout_;  // the background thread's
  AsyncLines lines_;                                     // its thread asks the limit
  spdlog::logger logger_;
};

class Log::Sessions final : public LogSink {
 public:
  // With a file of their own, the lines go to `own`.
  Sessions(Log& log, Output* own) noexcept : log_(log), own_(own) {}

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    if (own_ != nullptr) {
      own_->write(level, event, fields);
    } else {
      log_.write(level, event, fields);
    }
  }
  bool enabled(Level level) const noexcept override {
    return own_ != nullptr || log_.enabled(level);
  }

 private:
  Log& log_;
  Output* const own_;
};

struct Log::Parts {
  std::unique_ptr<Output> events;
  std::unique_ptr<Output> session_output;  // reports its losses as an event, so it ends first
  std::unique_ptr<Sessions> sessions;
};

OpenedLog Log::open(const LogOptions& options) {
  OpenedLog opened;
  const auto open_file = [&opened](const std::string& path) {
    auto file = std::make_unique<LineFile>(path, opened.code);
    if (opened.code) opened.error = open_error(path, opened.code);
    return file;
  };
  std::unique_ptr<LineFile> event_file, session_file;
  if (options.file.empty()) {
    event_file = std::make_unique<LineFile>(options.descriptor, opened.code);
    if (opened.code) opened.error = "cannot log to stderr: " + opened.code.message();
  } else {
    event_file = open_file(options.file);
  }
  const bool sessions_apart = !options.session_file.empty() && options.session_file != options.file;
  if (!opened.code && sessions_apart) session_file = open_file(options.session_file);
  if (opened.code) return opened;

  opened.log.reset(new Log(std::make_unique<Parts>()));
  Log& log = *opened.log;
  Parts& parts = *log.parts_;
  parts.events = std::make_unique<Output>(std::move(event_file), options.level, options);
  if (sessions_apart) {
    const auto report = [&log](LostLines lost) {
      log.warn("session_lines_lost",
               {field("n", lost.since_last_report), field("total", lost.total)});
      return std::string();
    };
    parts.session_output =
        std::make_unique<Output>(std::move(session_file), Level::trace, options, report);
  }
  parts.sessions = std::make_unique<Sessions>(log, parts.session_output.get());
  return opened;
}

Log::Log(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}

Log::~Log() {
  parts_->session_output.reset();  // while there is a log to report its last losses in
}

void Log::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  if (enabled(level)) parts_->events->write(level, event, fields);
}

bool Log::enabled(Level level) const noexcept { return parts_->events->enabled(level); }

LogSink& Log::sessions() noexcept { return *parts_->sessions; }

void Log::set_level(Level level) noexcept { parts_->events->set_level(level); }

void Log::reopen() {
  for (Output* output : {parts_->events.get(), parts_->session_output.get()}) {
    if (output == nullptr) continue;
    LineFile& file = output->lines().file();
    if (const std::error_code code = file.reopen()) {
      error("log_reopen_failed", {field("path", file.path()), field("error", code.message())});
    }
  }
}

std::uint64_t Log::lines_lost() const noexcept { return parts_->events->lines().lines_lost(); }

std::uint64_t Log::session_lines_lost() const noexcept {
  return parts_->session_output ? parts_->session_output->lines().lines_lost() : 0;
}

}  // namespace fairlead
