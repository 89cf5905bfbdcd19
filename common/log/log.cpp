#include "common/log/log.hpp"

#include <atomic>
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

  OpenedFile open_events(const LogOptions& options) {
    return options.file.empty() ? open(options.descriptor, "cannot log to stderr")
                                : open(options.file);
  }

  void add(std::shared_ptr<LineFile> file) { opened_.push_back(std::move(file)); }

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

// No file, as far as troubles are concerned: a descriptor that somebody else has opened.
bool is_of_descriptor(const LineFile& file) { return file.path().empty(); }

LogOutput::Role role_of_sessions(const LogOptions& options, LogSink& events, LogSink* troubles_to) {
  return {pattern_of(options.format), Level::debug, "session_lines_lost", &events, troubles_to};
}

// The same lines as the events, on stderr.
std::unique_ptr<LogOutput> make_console(std::shared_ptr<LineFile> file, const LogOptions& options) {
  return std::make_unique<LogOutput>(
      std::move(file), options,
      LogOutput::Role{.pattern = pattern_of(options.format), .level = options.level});
}

bool names_session_file(const LogOptions& options) {
  return !options.session_file.empty() && options.session_file != options.file;
}

}  // namespace

class Log::SessionSink final : public LogSink {
 public:
  void lead_to(LogOutput& output) noexcept { output_.store(&output, std::memory_order_relaxed); }
  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    output().write(level, event, fields);
  }
  void report(Level level, std::string_view event,
              std::span<const Field> fields) noexcept override {
    output().report(level, event, fields);
  }
  bool enabled(Level level) const noexcept override { return output().enabled(level); }

 private:
  LogOutput& output() const noexcept { return *output_.load(std::memory_order_relaxed); }

  std::atomic<LogOutput*> output_{nullptr};  // one that stays until the end
};

tl::expected<std::unique_ptr<Log>, LogError> Log::open(const LogOptions& options) {
  std::unique_ptr<Log> log(new Log(options));
  Destinations destinations;
  OpenedFile file = destinations.open_events(options);
  LogSink* troubles_to = nullptr;
  if (file && !is_of_descriptor(**file))
    if (OpenedFile console = destinations.open(options.descriptor, ""); console) {
      log->console_ = make_console(std::move(*console), options);
      troubles_to = log->console_.get();
    }
  if (file)
    log->events_ =
        std::make_unique<LogOutput>(std::move(*file), options,
                                    LogOutput::Role{pattern_of(options.format), options.level,
                                                    "log_lines_lost", nullptr, troubles_to});
  if (troubles_to == nullptr) troubles_to = log->events_.get();
  if (file && names_session_file(options)) {
    file = destinations.open(options.session_file);
    if (file)
      log->sessions_ = std::make_unique<LogOutput>(
          std::move(*file), options, role_of_sessions(options, *log->events_, troubles_to));
  }
  if (file && options.transcript >= 0) {
    file = destinations.open(options.transcript, "cannot print transcripts to stdout");
    if (file)
      log->transcript_ = std::make_unique<LogOutput>(
          std::move(*file), options,
          LogOutput::Role{.losses = "transcript_lines_lost", .losses_to = log->events_.get()});
  }
  if (!file) return tl::unexpected(std::move(file.error()));
  log->session_sink_->lead_to(log->sessions_ ? *log->sessions_ : *log->events_);
  return log;
}

Log::Log(const LogOptions& options)
    : options_(options), session_sink_(std::make_unique<SessionSink>()) {}
Log::~Log() = default;

void Log::write(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  events_->write(level, event, fields);
}

void Log::report(Level level, std::string_view event, std::span<const Field> fields) noexcept {
  events_->report(level, event, fields);
}

bool Log::enabled(Level level) const noexcept { return events_->enabled(level); }

LogSink& Log::sessions() noexcept { return *session_sink_; }

void Log::print(std::string_view line) noexcept {
  if (transcript_) transcript_->print(line);
}

void Log::reopen() {
  for (LogOutput* output : {events_.get(), sessions_.get()}) {
    if (output == nullptr) continue;
    const auto file = output->file();
    const std::error_code code = file->reopen();
    if (!code) continue;
    for (LogOutput* to : {events_.get(), console_.get()})
      if (to != nullptr)
        to->error("log_reopen_failed",
                  {field("path", file->path()), field("error", code.message())});
  }
}

// ---- A reload ----

Log::Change::Change() noexcept = default;
Log::Change::Change(Change&&) noexcept = default;
Log::Change& Log::Change::operator=(Change&&) noexcept = default;
Log::Change::~Change() = default;

tl::expected<Log::Change, LogError> Log::prepare_change(const LogOptions& options) const {
  Change change;
  change.options_ = options_;
  change.options_.level = options.level;
  change.options_.file = options.file;
  change.options_.session_file = options.session_file;
  Destinations destinations;
  for (LogOutput* output : {console_.get(), events_.get(), sessions_.get(), transcript_.get()})
    if (output != nullptr) destinations.add(output->file());

  if (options.file != options_.file) {
    OpenedFile events = destinations.open_events(change.options_);
    if (!events) return tl::unexpected(std::move(events.error()));
    change.events_ = std::move(*events);
    if (!is_of_descriptor(*change.events_) && !console_)
      if (OpenedFile console = destinations.open(options_.descriptor, ""); console)
        change.console_output_ = make_console(std::move(*console), change.options_);
  }
  if (names_session_file(options) &&
      (options.session_file != options_.session_file || !has_session_file())) {
    OpenedFile sessions = destinations.open(options.session_file);
    if (!sessions) return tl::unexpected(std::move(sessions.error()));
    if (sessions_) {
      change.sessions_ = std::move(*sessions);
    } else {
      change.session_output_ =
          std::make_unique<LogOutput>(std::move(*sessions), change.options_,
                                      role_of_sessions(change.options_, *events_, nullptr));
    }
  }
  return change;
}

void Log::change(Change change) noexcept {
  options_ = std::move(change.options_);
  if (change.console_output_) console_ = std::move(change.console_output_);
  if (change.session_output_) sessions_ = std::move(change.session_output_);
  for (LogOutput* output : {console_.get(), events_.get()})
    if (output != nullptr) output->change_level(options_.level);
  const auto events_file = change.events_ ? std::move(change.events_) : events_->file();
  LogSink* const console = is_of_descriptor(*events_file) ? nullptr : console_.get();
  events_->change_file(events_file, console);
  if (sessions_)
    sessions_->change_file(change.sessions_ ? std::move(change.sessions_) : sessions_->file(),
                           console != nullptr ? console : events_.get());
  session_sink_->lead_to(has_session_file() ? *sessions_ : *events_);
}

bool Log::has_session_file() const noexcept { return sessions_ && names_session_file(options_); }

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
