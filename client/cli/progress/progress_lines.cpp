#include "client/cli/progress/progress_lines.hpp"

#include "client/cli/amounts.hpp"
#include "client/cli/progress/ended_line.hpp"
#include "client/cli/shown_text.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string line_of(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                    double rate) {
  std::string line =
      totals.files == 1 && !active.empty()
          ? escaped(active.front()->name) + ": "
          : std::to_string(totals.files_ended) + " of " + std::to_string(totals.files) + " files, ";
  line += size_text(totals.here);
  if (totals.size_known) {
    line += " of " + size_text(totals.size) + " (" + percent_text(totals.here, totals.size) + ")";
  }
  line += ", " + rate_text(rate);
  if (const auto left = time_left(totals.here, totals.size, rate); totals.size_known && left)
    line += ", " + time_text(*left) + " left";
  return line;
}

}  // namespace

void ProgressLines::update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                           TimePoint now) {
  meter_.note(active, totals, now);
  if (next_ == kNever) next_ = now + kEvery;
  if (now < next_) return;
  next_ = now + kEvery;
  say(line_of(active, totals, meter_.total_rate()));
}

void ProgressLines::file_ended(const FetchedFile& file, TimePoint now) {
  if (const std::string line = ended_line(file, meter_.ended(file, now)); !line.empty()) say(line);
}

void ProgressLines::say(std::string_view line) {
  err_.write(in_encoding(std::string(line) + '\n', encoding_));
}

}  // namespace fairlead
