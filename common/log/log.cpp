#include "common/log/log.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "common/log/event_text.hpp"
#include "common/log/line_file.hpp"
#include "common/log/queue_sink.hpp"
#include "common/log/repeat_limit.hpp"

namespace fairlead {

namespace {

// The time, then the event.
const char* pattern_of(LogFormat format) noexcept {
  return format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                   : "%Y-%m-%dT%H:%M:%S.%eZ %v";
}

static_assert(static_cast<int>(Level::trace) == spdlog::level::trace &&
              static_cast<int>(Level::error) == spdlog::level::err);

spdlog::level::level_enum spdlog_level(Level level) noexcept {
  return level == Level::off ? spdlog::level::off : static_cast<spdlog::level::level_enum>(level);
}

void append_event(std::string& out, LogFormat format, Level level, std::string_view event,
                  std::span<const Field> fields) {
  const auto append = format == LogFormat::json ? append_event_json : append_event_text;
  append(out, level, event, fields);
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
  for (const Field& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text != nullptr && field.name == name) return *text;
  }
  return {};
}

}  // namespace

// One destination: a logger, its sink, and the limit of what repeats.
class Log::Output final : public LogSink {
 public:
  // Losses are reported as an event `losses` in `losses_to`, or here where that is null.
  Output(std::unique_ptr<LineFile> file, Level level, const LogOptions& options,
         std::string_view losses, LogSink* losses_to)
      : format_(options.format),
        limited_reasons_(options.limited_reasons),
        limit_(options.repeats),
        is_limited_(options.repeats > 0),
        sink_(std::make_shared<QueueSink>(
            std::move(file),
            QueueSinkOptions{
                .pattern = pattern_of(options.format),
                .queue_lines = options.queue_lines,
                .close_wait = options.close_wait,
                .on_lost = [=, this](LostLines lost) { return report(losses, lost, losses_to); },
                .on_batch = [this](std::vector<std::string>& lines,
                                   bool ending) { return summarize(lines, ending); }})),
        logger_(logger_to(sink_)) {
    logger_->set_level(spdlog_level(level));
  }

  bool enabled(Level level) const noexcept override {
    return level != Level::off && logger_->should_log(spdlog_level(level));
  }

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    if (!enabled(level)) return;
    // One buffer a thread, so that a line costs no allocation here.
    thread_local std::string text;
    text.clear();
    try {
      if (!admits(level, event, fields)) return;
      append_event(text, format_, level, event, fields);
      logger_->log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
    } catch (...) {
      sink_->count_lost();  // out of memory
    }
  }

  QueueSink& sink() noexcept { return *sink_; }

 private:
  bool admits(Level level, std::string_view event, std::span<const Field> fields) {
    if (!is_limited_) return true;
    const std::string_view reason = text_named("reason", fields);
    const bool may_repeat = level < Level::warn &&
                            std::ranges::find(limited_reasons_, reason) == limited_reasons_.end();
    return may_repeat || limit_.admits(level, event, reason, std::chrono::steady_clock::now());
  }

  // Both run on the sink's thread.
  std::optional<RepeatLimit::Time> summarize(std::vector<std::string>& lines, bool ending) {
    const auto now = ending ? RepeatLimit::Time::max() : std::chrono::steady_clock::now();
    for (const auto& repeated : limit_.take_due(now)) {
      const Field fields[] = {field("what", repeated.event), field("n", repeated.lines),
                              field("reason", repeated.reason)};
      const std::size_t count = repeated.reason.empty() ? 2 : 3;
      append_event(lines.emplace_back(), format_, repeated.level, "suppressed",
                   std::span(fields).first(count));
    }
    return limit_.next_due();
  }

  std::string report(std::string_view event, LostLines lost, LogSink* elsewhere) const {
    const Field fields[] = {field("n", lost.since_last_report), field("total", lost.total)};
    std::string text;
    if (elsewhere != nullptr) {
      elsewhere->write(Level::warn, event, fields);
    } else {
      append_event(text, format_, Level::warn, event, fields);
    }
    return text;
  }

  const LogFormat format_;
  const std::vector<std::string_view> limited_reasons_;
  RepeatLimit limit_;
  const bool is_limited_;
  const std::shared_ptr<QueueSink> sink_;  // its thread uses the members above
  const std::unique_ptr<spdlog::logger> logger_;
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

  opened.log.reset(new Log());
  Log& log = *opened.log;
  log.events_ = std::make_unique<Output>(std::move(event_file), options.level, options,
                                         "log_lines_lost", nullptr);
  if (sessions_apart) {
    log.sessions_ = std::make_unique<Output>(std::move(session_file), Level::trace, options,
                                             "session_lines_lost", log.events_.get());
  }
  return opened;
}

Log::Log() noexcept = default;
Log::~Log() = default;

void Log::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  events_->write(level, event, fields);
}

bool Log::enabled(Level level) const noexcept { return events_->enabled(level); }

LogSink& Log::sessions() noexcept { return sessions_ ? *sessions_ : *events_; }

void Log::reopen() {
  for (Output* output : {events_.get(), sessions_.get()}) {
    if (output == nullptr) continue;
    LineFile& file = output->sink().file();
    if (const std::error_code code = file.reopen()) {
      error("log_reopen_failed", {field("path", file.path()), field("error", code.message())});
    }
  }
}

std::uint64_t Log::lines_lost() const noexcept { return events_->sink().lines_lost(); }

std::uint64_t Log::session_lines_lost() const noexcept {
  return sessions_ ? sessions_->sink().lines_lost() : 0;
}

}  // namespace fairlead
