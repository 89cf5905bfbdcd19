#include "common/log/log.hpp"

#include <utility>

#include "common/base/descriptor.hpp"
#include "common/log/log_output.hpp"

namespace fairlead {

namespace {

// The time, then the event.
const char* pattern_of(LogFormat format) noexcept {
  return format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                   : "%Y-%m-%dT%H:%M:%S.%eZ %v";
}

using OpenedFile = tl::expected<std::unique_ptr<LineFile>, LogError>;

// `from`: a path or a descriptor.
template <class From>
OpenedFile open_file(const From& from, const std::string& complaint, const char* advice) {
  std::error_code code;
  auto file = std::make_unique<LineFile>(from, code);
  if (!code) return file;
  const char* const what_to_do = lacks_descriptors(code) ? kAllowMoreDescriptors : advice;
  return tl::unexpected(LogError{complaint + ": " + code.message() + what_to_do, code});
}

OpenedFile open_log_file(const std::string& path) {
  return open_file(path, "cannot open the log file " + path,
                   "; create its folder, let this user write there, or name another file");
}

}  // namespace

tl::expected<std::unique_ptr<Log>, LogError> Log::open(const LogOptions& options) {
  const char* const pattern = pattern_of(options.format);
  std::unique_ptr<Log> log(new Log());
  OpenedFile file = options.file.empty() ? open_file(options.descriptor, "cannot log to stderr", "")
                                         : open_log_file(options.file);
  const auto output = [&](std::string_view losses, const char* layout, Level level) {
    const LogOutput::Role role{layout, level, losses, log->events_.get()};
    return std::make_unique<LogOutput>(std::move(*file), options, role);
  };
  if (file) log->events_ = output("log_lines_lost", pattern, options.level);
  if (file && !options.session_file.empty() && options.session_file != options.file) {
    file = open_log_file(options.session_file);
    if (file) log->sessions_ = output("session_lines_lost", pattern, Level::trace);
  }
  if (file && options.transcript >= 0) {
    file = open_file(options.transcript, "cannot print transcripts to stdout", "");
    if (file) log->transcript_ = output("transcript_lines_lost", "%v", Level::trace);
  }
  if (!file) return tl::unexpected(std::move(file.error()));
  return log;
}

Log::Log() noexcept = default;
Log::~Log() = default;

void Log::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  events_->write(level, event, fields);
}

void Log::report(std::string_view event, std::span<const Field> fields) noexcept {
  events_->report(event, fields);
}

bool Log::enabled(Level level) const noexcept { return events_->enabled(level); }

LogSink& Log::sessions() noexcept { return sessions_ ? *sessions_ : *events_; }

void Log::print(std::string_view line) noexcept {
  if (transcript_) transcript_->print(line);
}

void Log::reopen() {
  for (LogOutput* output : {events_.get(), sessions_.get()}) {
    if (output == nullptr) continue;
    LineFile& file = output->file();
    if (const std::error_code code = file.reopen())
      error("log_reopen_failed", {field("path", file.path()), field("error", code.message())});
  }
}

std::uint64_t Log::lines_lost() const noexcept { return events_->lines_lost(); }

std::uint64_t Log::session_lines_lost() const noexcept {
  return sessions_ ? sessions_->lines_lost() : 0;
}

std::uint64_t Log::transcript_lines_lost() const noexcept {
  return transcript_ ? transcript_->lines_lost() : 0;
}

}  // namespace fairlead
