#include "common/log/transcript.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "common/log/line_file.hpp"
#include "common/log/queue_sink.hpp"

namespace fairlead {

struct Transcript::Parts {
  std::shared_ptr<QueueSink> sink;
  std::unique_ptr<spdlog::logger> logger;
};

Transcript::Transcript(LogSink& log, TranscriptOptions options) {
  std::error_code code;
  auto file = std::make_unique<LineFile>(options.descriptor, code);
  if (code) throw std::system_error(code, "cannot print transcripts to stdout");
  const auto report = [&log](LostLines lost) {
    log.warn("transcript_lines_lost",
             {field("n", lost.since_last_report), field("total", lost.total)});
    return std::string();
  };
  auto sink = std::make_shared<QueueSink>(
      std::move(file),
      QueueSinkOptions{
          .queue_lines = options.queue_lines, .close_wait = options.close_wait, .on_lost = report});
  auto logger = logger_to(sink);
  parts_ = std::make_unique<Parts>(std::move(sink), std::move(logger));
}

Transcript::~Transcript() = default;

void Transcript::print(std::string_view line) noexcept {
  parts_->logger->info(spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Transcript::lines_lost() const noexcept { return parts_->sink->lines_lost(); }

}  // namespace fairlead
