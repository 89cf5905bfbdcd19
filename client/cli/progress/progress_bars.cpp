#include "client/cli/progress/progress_bars.hpp"

#include <algorithm>
#include <utility>

#include "client/cli/amounts.hpp"
#include "client/cli/columns.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kGap = 2;

// A name gets at least this width; other fields are left out for it.
constexpr std::size_t kNameColumnsMin = 12;
// A bar gets only the space beyond a name of this width.
constexpr std::size_t kNameColumnsGood = 24;
constexpr std::size_t kBarColumnsMin = 7, kBarColumnsMax = 27;

std::string right_aligned(const std::string& text, std::size_t columns) {
  return std::string(columns - std::min(text.size(), columns), ' ') + text;
}

std::string bar_of(std::uint64_t here, std::uint64_t size, std::size_t columns) {
  const std::size_t inside = columns - 2;
  const double share =
      size == 0 ? 1 : std::min(1.0, static_cast<double>(here) / static_cast<double>(size));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(inside));
  std::string bar = "[" + std::string(filled, '=') + std::string(inside - filled, ' ') + "]";
  if (filled > 0 && filled < inside) bar[filled] = '>';
  return bar;
}

// Shown instead of the time left; empty while fetching.
std::string word_for(FetchedFile::State state) {
  return state == FetchedFile::State::fetching ? "" : std::string(name_of(state));
}

}  // namespace

std::string bar_text(const BarLine& line, std::size_t columns) {
  const std::optional<Duration> left =
      line.size_known ? time_left(line.here, line.size, line.rate) : std::nullopt;
  struct Field {
    std::string text;
    std::size_t columns;
    bool shown = false;
  };
  Field percent{line.size_known ? percent_text(line.here, line.size) : "", 4};
  Field bytes{size_text(line.here), 8};
  Field rate{line.rate > 0 ? rate_text(line.rate) : "", 10};
  Field last{!line.state.empty() ? line.state : left ? time_text(*left) : "", 9};

  std::size_t name_columns = columns;
  for (Field* field : {&percent, &last, &rate, &bytes}) {  // the most important first
    field->shown = name_columns >= kNameColumnsMin + kGap + field->columns;
    if (!field->shown) break;
    name_columns -= kGap + field->columns;
  }
  std::string bar;
  if (bytes.shown && name_columns >= kNameColumnsGood + kGap + kBarColumnsMin) {
    const std::size_t room = name_columns - kNameColumnsGood - kGap;
    const std::size_t bar_columns = std::min(room, kBarColumnsMax);
    name_columns -= kGap + bar_columns;
    bar =
        line.size_known ? bar_of(line.here, line.size, bar_columns) : std::string(bar_columns, ' ');
  }

  std::string text = in_columns(line.name, name_columns);
  if (!bar.empty()) text += std::string(kGap, ' ') + bar;
  for (const Field* field : {&percent, &bytes, &rate, &last}) {
    if (field->shown) text += std::string(kGap, ' ') + right_aligned(field->text, field->columns);
  }
  return text;
}

void ProgressBars::update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                          TimePoint now) {
  if (now < next_draw_) return;
  next_draw_ = now + kProgressEvery;
  meter_.note(active, totals, now);
  bars_.clear();
  for (const FetchedFile* file : active) {
    bars_.push_back({.name = escaped(file->name),
                     .state = word_for(file->state),
                     .here = file->here,
                     .size = file->size,
                     .size_known = file->size_known,
                     .rate = meter_.rate_of(*file)});
  }
  if (totals.files > 1) {
    bars_.push_back({.name = std::to_string(totals.files_ended) + " of " +
                             std::to_string(totals.files) + " files",
                     .here = totals.here,
                     .size = totals.size,
                     .size_known = totals.size_known,
                     .rate = meter_.total_rate()});
  }
  draw();
}

// Shown with the next drawing, because thousands of files may end in a second.
void ProgressBars::on_file_ended(const FetchedFile& file, TimePoint now) {
  if (const std::string line = ended_line(file, meter_.ended(file, now)); !line.empty())
    above_ += line + '\n';
}

void ProgressBars::say(std::string_view line) {
  above_.append(line) += '\n';
  draw();
}

void ProgressBars::end() {
  bars_.clear();
  draw();
}

void ProgressBars::draw() {
  const TerminalSize room = block_.room();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(bars_.size(), room.rows); ++i) {
    // The last bar is the total; of the others those that fit are shown.
    const bool is_last = i + 1 == std::min(bars_.size(), room.rows);
    lines.push_back(bar_text(is_last ? bars_.back() : bars_[i], room.columns));
  }
  block_.draw(lines, std::exchange(above_, {}));
}

}  // namespace fairlead
