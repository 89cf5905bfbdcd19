#include "client/bench/report/bench_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"
#include "client/cli/columns.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kNameColumns = 13;  // of the name at the front of each line
constexpr std::size_t kFigureColumns = 14;
constexpr std::size_t kFigureColumnsMin = 11;  // "p99 1.23 ms"
constexpr std::size_t kRatesKept = 60;
using Phase = BenchProgress::Phase;

StyledLine line_named(std::string_view name) {
  StyledLine line;
  return line.add(name, Style::quiet).tab(kNameColumns);
}

// 0 to 1; empty if the run has no known end.
std::optional<double> share_done(const BenchProgress& progress) {
  const double share =
      progress.duration.count() > 0 ? static_cast<double>(progress.elapsed.count()) /
                                          static_cast<double>(progress.duration.count())
      : progress.messages > 0
          ? static_cast<double>(progress.finished) / static_cast<double>(progress.messages)
          : -1;
  if (share < 0) return std::nullopt;
  return std::min(share, 1.0);
}

// Empty: not known.
std::string time_left(const BenchProgress& progress) {
  const std::optional<double> share = share_done(progress);
  if (!share || *share <= 0) return "";
  const BenchDuration whole = progress.duration.count() > 0
                                  ? progress.duration
                                  : BenchDuration(static_cast<BenchDuration::rep>(
                                        static_cast<double>(progress.elapsed.count()) / *share));
  const BenchDuration left = std::max(whole - progress.elapsed, BenchDuration(0));
  return time_text(std::chrono::ceil<Duration>(left)) + " left";
}

std::string bar_of(double share, std::size_t columns, bool ascii) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(columns));
  if (ascii) return std::string(filled, '#') + std::string(columns - filled, '-');
  std::string bar;
  for (std::size_t i = 0; i < columns; ++i) bar += i < filled ? "█" : "░";
  return bar;
}

Style style_of(Phase phase) { return phase == Phase::running ? Style::strong : Style::doubtful; }

StyledLine progress_line(const BenchProgress& progress, std::size_t columns, bool ascii) {
  constexpr std::size_t kBarMin = 8, kBarMax = 40;
  StyledLine line;
  line.add(name_of(progress.phase), style_of(progress.phase)).tab(kNameColumns);
  const std::optional<double> share = share_done(progress);
  if (!share) return line.add(time_text(std::chrono::floor<Duration>(progress.elapsed)));
  const std::string percent = std::to_string(static_cast<int>(*share * 100)) + "%";
  const std::string words = "  " + percent + "  " + time_left(progress);
  if (columns >= kNameColumns + kBarMin + words.size()) {
    const std::size_t room = columns - kNameColumns - words.size();
    line.add(bar_of(*share, std::min(room, kBarMax), ascii), Style::good);
    return line.add(words);
  }
  return line.add(percent).add("  " + time_left(progress));
}

StyledLine rate_line(const BenchProgress& progress, double now, const std::deque<double>& rates,
                     std::size_t columns, bool ascii) {
  constexpr std::size_t kSparksMin = 6;
  StyledLine line = line_named("rate");
  line.add(count_text(now) + "/s now", Style::strong).tab(kNameColumns + kFigureColumns);
  line.add("mean " + count_text(progress.rate) + "/s");
  const std::string due = " of " + count_text(progress.intended_rate) + "/s due";
  if (progress.intended_rate > 0 && line.columns() + due.size() <= columns) line.add(due);
  if (columns >= line.columns() + 2 + kSparksMin)
    line.add("  ").add(sparkline(rates, columns - line.columns(), ascii), Style::good);
  return line;
}

// Fixed columns, so that nothing jumps; a narrow terminal shows no p90.
StyledLine latency_line(std::string_view name, std::uint64_t p50, std::uint64_t p90,
                        std::uint64_t p99, std::uint64_t max, std::size_t columns) {
  StyledLine line = line_named(name);
  std::size_t column = kNameColumns;
  const auto add = [&](std::string_view what, std::uint64_t value) {
    if (column > kNameColumns && column + kFigureColumnsMin > columns) return;
    line.tab(column).add(what, Style::quiet);
    line.add(" " + (max == 0 ? "-" : time_figure(value)));
    column += kFigureColumns;
  };
  add("p50", p50);
  if (kNameColumns + 3 * kFigureColumns + kFigureColumnsMin <= columns) add("p90", p90);
  add("p99", p99);
  add("max", max);
  return line;
}

StyledLine errors_line(const BenchCounts& counts) {
  const auto add = [](StyledLine& line, std::uint64_t count) {
    line.add(count_figure(count), count > 0 ? Style::bad : Style::plain);
  };
  StyledLine line = line_named("errors");
  add(line, counts.all_errors());
  line.tab(kNameColumns + kFigureColumns).add("mismatches ", Style::quiet);
  add(line, counts.all_mismatches());
  return line;
}

StyledLine connections_line(const BenchProgress& progress) {
  StyledLine line = line_named("connections");
  const bool is_full = progress.connections_open >= progress.connections;
  line.add(count_figure(progress.connections_open), is_full ? Style::plain : Style::doubtful);
  return line.add(" of " + count_figure(progress.connections));
}

}  // namespace

void BenchScreen::on_second(const SeriesRow& row, const BenchProgress& progress) {
  last_ = row;
  has_second_ = true;
  rates_.push_back(static_cast<double>(row.counts.done));
  if (rates_.size() > kRatesKept) rates_.pop_front();
  update(progress);
}

void BenchScreen::update(const BenchProgress& progress) {
  progress_ = progress;
  if (is_shown_ && progress.elapsed < next_draw_) return;
  is_shown_ = true;
  next_draw_ = progress.elapsed + kEvery;
  draw("");
}

void BenchScreen::say(std::string_view line) { draw(std::string(line) + '\n'); }

void BenchScreen::end() {
  is_shown_ = false;
  draw("");
}

void BenchScreen::draw(std::string_view above) {
  const TerminalSize room = block_.room();
  std::vector<std::string> lines;
  // The most important lines first: a low terminal shows only those.
  const auto add = [&](const StyledLine& line) {
    if (lines.size() < room.rows) lines.push_back(line.text(room.columns, look_.colour));
  };
  if (is_shown_) {
    add(progress_line(progress_, room.columns, look_.ascii));
    const double now = rates_.empty() ? 0 : rates_.back();
    add(rate_line(progress_, now, rates_, room.columns, look_.ascii));
    add(latency_line("latency", progress_.p50, progress_.p90, progress_.p99, progress_.max,
                     room.columns));
    if (has_second_) {
      add(latency_line("last second", last_.p50, last_.p90, last_.p99, last_.max, room.columns));
    }
    add(errors_line(progress_.counts));
    add(connections_line(progress_));
  }
  block_.draw(lines, above);
}

std::string sparkline(const std::deque<double>& values, std::size_t columns, bool ascii) {
  constexpr std::array<std::string_view, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> kAscii{"_", ".", "-", ":", "=", "+", "*", "#"};
  const std::size_t shown = std::min(columns, values.size());
  const auto from = values.end() - static_cast<std::ptrdiff_t>(shown);
  const double greatest = shown == 0 ? 0 : *std::max_element(from, values.end());
  std::string out;
  for (auto value = from; value != values.end(); ++value) {
    const double level = greatest > 0 ? std::round(*value / greatest * 7) : 0;
    out += (ascii ? kAscii : kBars)[static_cast<std::size_t>(level)];
  }
  return out;
}

}  // namespace fairlead
