#include "client/cli/progress/progress_bars.hpp"

#include <algorithm>
#include <optional>

#include "client/cli/amounts.hpp"
#include "client/cli/columns.hpp"
#include "client/cli/progress/rate_meter.hpp"

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

}  // namespace fairlead
