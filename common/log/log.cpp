#include "common/log/log.hpp"

#include <atomic>
#include <cerrno>
#include <utility>
#include <vector>

#include "common/log/async_lines.hpp"
#include "common/log/event_text.hpp"
#include "common/log/line_file.hpp"

namespace fairlead {

namespace {

constexpr std::size_t kEventFile = 0;

const char* pattern_of(LogFormat format) {
  return format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                   : "%Y-%m-%dT%H:%M:%S.%eZ %v";
}

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
    case ENXIO:
      return "start its reader first, or name another file";
    default:
      return "name another file";
  }
}

std::string open_error(const std::string& path, std::error_code code) {
  return "cannot open the log file " + path + ": " + code.message() + "; " +
         advice_for(code.value());
}

std::string loss_report(LogFormat format, LostLines lost) {
  const Field fields[] = {field("n", lost.since_last_report), field("total", lost.total)};
  std::string line;
  append_event(line, format, Level::warn, "log_lines_lost", fields);
  return line;
}

}  // namespace

class Log::Sessions final : public LogSink {
 public:
  Sessions(Log& log, std::size_t file) noexcept : log_(log), file_(file) {}

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    if (enabled(level)) log_.write_to(file_, level, event, fields);
  }
  bool enabled(Level level) const noexcept override {
    return file_ != kEventFile || log_.enabled(level);
  }

 private:
  Log& log_;
  const std::size_t file_;
};

struct Log::Parts {
  Parts(LogFormat log_format, Level log_level, AsyncLinesOptions options)
      : format(log_format), level(log_level), lines(std::move(options)) {}

  const LogFormat format;
  std::atomic<Level> level;
  AsyncLines lines;
  std::unique_ptr<Sessions> sessions;
};

OpenedLog Log::open(const LogOptions& options) {
  OpenedLog opened;
  std::vector<std::unique_ptr<LineFile>> files;
  if (options.file.empty()) {
    files.push_back(std::make_unique<LineFile>(options.descriptor, opened.code));
    if (opened.code) opened.error = "cannot log to stderr: " + opened.code.message();
  } else {
    files.push_back(std::make_unique<LineFile>(options.file, opened.code));
    if (opened.code) opened.error = open_error(options.file, opened.code);
  }
  const bool sessions_apart = !options.session_file.empty() && options.session_file != options.file;
  if (!opened.code && sessions_apart) {
    files.push_back(std::make_unique<LineFile>(options.session_file, opened.code));
    if (opened.code) opened.error = open_error(options.session_file, opened.code);
  }
  if (opened.code) return opened;

  const std::size_t session_file = files.size() - 1;
  auto parts = std::make_unique<Parts>(
      options.format, options.level,
      AsyncLinesOptions{.files = std::move(files),
                        .pattern = pattern_of(options.format),
                        .queue_lines = options.queue_lines,
                        .close_wait = options.close_wait,
                        .on_lost = [format = options.format](LostLines lost) {
                          return loss_report(format, lost);
                        }});
  opened.log.reset(new Log(std::move(parts)));
  opened.log->parts_->sessions = std::make_unique<Sessions>(*opened.log, session_file);
  return opened;
}

Log::Log(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}

Log::~Log() = default;

void Log::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  if (enabled(level)) write_to(kEventFile, level, event, fields);
}

bool Log::enabled(Level level) const noexcept {
  return level != Level::off && level >= parts_->level.load(std::memory_order_relaxed);
}

LogSink& Log::sessions() noexcept { return *parts_->sessions; }

void Log::set_level(Level level) noexcept { parts_->level.store(level, std::memory_order_relaxed); }

void Log::reopen() {
  for (const auto& file : parts_->lines.files()) {
    if (const std::error_code code = file->reopen()) {
      error("log_reopen_failed", {field("path", file->path()), field("error", code.message())});
    }
  }
}

std::uint64_t Log::lines_lost() const noexcept { return parts_->lines.lines_lost(); }

void Log::write_to(std::size_t file, Level level, std::string_view event,
                   std::span<const Field> fields) noexcept {
  // One buffer a thread, so that a line costs no allocation here.
  thread_local std::string line;
  line.clear();
  try {
    append_event(line, parts_->format, level, event, fields);
  } catch (...) {
    parts_->lines.count_lost_line();  // there was no memory to write it down
    return;
  }
  parts_->lines.write(file, line);
}

}  // namespace fairlead
