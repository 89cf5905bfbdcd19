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

using OpenedFile = tl::expected<std::shared_ptr<LineFile>, LogError>;

// `from`: a path or a descriptor.
template <class From>
OpenedFile open_file(const From& from, const std::string& complaint, const char* advice) {
  std::error_code code;
  auto file = std::make_shared<LineFile>(from, code);
  if (!code) return file;
  const char* const what_to_do = lacks_descriptors(code) ? kAllowMoreDescriptors : advice;
  return tl::unexpected(LogError{complaint + ": " + code.message() + what_to_do, code});
}

// The destinations of one log. Descriptors that lead to the same place share one, so that no line
// is written within another.
class Destinations {
 public:
  OpenedFile open(int descriptor, const char* complaint) {
    for (const auto& file : opened_)
      if (file->is_file_of(descriptor)) return file;
    OpenedFile file = open_file(descriptor, complaint, "");
    if (file) opened_.push_back(*file);
    return file;
  }

  OpenedFile open(const std::string& path) {
    const std::string complaint = "cannot open the log file " + path;
    if (const int number = standard_descriptor_of(path); number >= 0)
      return open(number, complaint.c_str());
    return open_file(path, complaint,
                     "; create its folder, let this user write there, or name another file");
  }

 private:
  std::vector<std::shared_ptr<LineFile>> opened_;
};

}  // namespace

tl::expected<std::unique_ptr<Log>, LogError> Log::open(const LogOptions& options) {
  const char* const pattern = pattern_of(options.format);
  std::unique_ptr<Log> log(new Log());
  Destinations destinations;
  OpenedFile file = options.file.empty()
                        ? destinations.open(options.descriptor, "cannot log to stderr")
                        : destinations.open(options.file);
  LogSink* troubles_to = nullptr;
  const auto output = [&](std::string_view losses, const char* layout, Level level) {
    const LogOutput::Role role{layout, level, losses, log->events_.get(), troubles_to};
    return std::make_unique<LogOutput>(std::move(*file), options, role);
  };
  if (file && !(*file)->path().empty())
    if (OpenedFile stderr_file = destinations.open(options.descriptor, ""); stderr_file) {
      const LogOutput::Role role{.pattern = pattern, .level = options.level};
      log->console_ = std::make_unique<LogOutput>(std::move(*stderr_file), options, role);
      troubles_to = log->console_.get();
    }
  if (file) log->events_ = output("log_lines_lost", pattern, options.level);
  if (troubles_to == nullptr) troubles_to = log->events_.get();
  if (file && !options.session_file.empty() && options.session_file != options.file) {
    file = destinations.open(options.session_file);
    if (file) log->sessions_ = output("session_lines_lost", pattern, Level::debug);
  }
  troubles_to = nullptr;
  if (file && options.transcript >= 0) {
    file = destinations.open(options.transcript, "cannot print transcripts to stdout");
    if (file) log->transcript_ = output("transcript_lines_lost", "%v", Level::debug);
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
    const std::error_code code = file.reopen();
    if (!code) continue;
    for (LogOutput* to : {events_.get(), console_.get()})
      if (to != nullptr)
        to->error("log_reopen_failed",
                  {field("path", file.path()), field("error", code.message())});
  }
}

bool Log::finish() noexcept {
  bool has_ended = true;
  for (LogOutput* output : {sessions_.get(), transcript_.get(), events_.get(), console_.get()})
    if (output != nullptr) has_ended = output->finish() && has_ended;
  return has_ended;
}

std::uint64_t Log::lines_lost() const noexcept { return events_->lines_lost(); }

std::uint64_t Log::session_lines_lost() const noexcept {
  return sessions_ ? sessions_->lines_lost() : 0;
}

std::uint64_t Log::transcript_lines_lost() const noexcept {
  return transcript_ ? transcript_->lines_lost() : 0;
}

}  // namespace fairlead
