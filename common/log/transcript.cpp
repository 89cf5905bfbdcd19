#include "common/log/transcript.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "common/log/async_lines.hpp"
#include "common/log/line_file.hpp"

namespace fairlead {

Transcript::Transcript(LogSink& log, TranscriptOptions options) {
  std::error_code code;
  auto file = std::make_unique<LineFile>(options.descriptor, code);
  if (code) throw std::system_error(code, "cannot print transcripts to stdout");
  lines_ = std::make_unique<AsyncLines>(
      std::move(file), AsyncLinesOptions{.queue_lines = options.queue_lines,
                                         .close_wait = options.close_wait,
                                         .on_lost = [&log](LostLines lost) {
                                           log.warn("transcript_lines_lost",
                                                    {field("n", lost.since_last_report),
                                                     field("total", lost.total)});
                                           return std::string();
                                         }});
}

Transcript::~Transcript() = default;

void Transcript::print(std::string_view line) noexcept { lines_->write(line); }

std::uint64_t Transcript::lines_lost() const noexcept { return lines_->lines_lost(); }

}  // namespace fairlead
