#include "common/log/transcript.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "common/log/line_file.hpp"
#include "common/log/queue_sink.hpp"

namespace fairlead {

Transcript::Transcript(LogSink& log, TranscriptOptions options) {
  std::error_code code;
  auto file = std::make_unique<LineFile>(options.descriptor, code);
  if (code) throw std::system_error(code, "cannot print transcripts to stdout");
  const auto report = [&log](LostLines lost) {
    log.warn("transcript_lines_lost",
             {field("n", lost.since_last_report), field("total", lost.total)});
    return std::string();
  };
  sink_ = std::make_shared<QueueSink>(
      std::move(file),
      QueueSinkOptions{
          .queue_lines = options.queue_lines, .close_wait = options.close_wait, .on_lost = report});
  logger_ = logger_to(sink_);
}

Transcript::~Transcript() = default;

void Transcript::print(std::string_view line) noexcept {
  logger_->info(spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Transcript::lines_lost() const noexcept { return sink_->lines_lost(); }

}  // namespace fairlead
