#include "client/bench/report/bench_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"
#include "client/cli/columns.hpp"

namespace fairlead {
namespace {

using Phase = BenchProgress::Phase;

constexpr std::size_t kRatesKept = 60;

// The intended rate at that time of the run.
double rate_at(const Load& load, BenchDuration at) {
  BenchDuration begins{0};
  for (const Stage& stage : load.stages) {
    const double change = (stage.last_rate() - stage.rate) / seconds(stage.length);
    if (at < begins + stage.length) return stage.rate + change * seconds(at - begins);
    begins += stage.length;
  }
  return load.stages.empty() ? 0 : load.stages.back().last_rate();
}

// Padded to `columns`, so that the lines form a table.
std::string field(std::string_view name, std::string text, std::size_t columns) {
  if (text.size() < columns) text.insert(0, columns - text.size(), ' ');
  return "  " + std::string(name) + text;
}

}  // namespace

BenchWatch::BenchWatch(const Load& load, BenchView view, Output& err, Encoding terminal)
    : load_(load),
      view_(view),
      err_(err),
      terminal_(terminal),
      began_(std::chrono::steady_clock::now()) {
  progress_.duration = load.is_endless ? BenchDuration(0) : load.duration;
  progress_.messages = progress_.duration > BenchDuration::zero() ? 0 : load.messages;
  progress_.connections = load.connections;
  if (view != BenchView::automatic || !can_be_drawn_over(err)) return;
  const char* const no_color = std::getenv("NO_COLOR");
  look_ = {.colour = no_color == nullptr || *no_color == '\0', .ascii = terminal != Encoding::utf8};
  screen_.emplace(
      err, [] { return terminal_size(STDERR_FILENO); }, terminal);
}

void BenchWatch::on_begin() {
  began_ = std::chrono::steady_clock::now();
  progress_.phase = Phase::warmup;
  update_phase();
}

void BenchWatch::on_second(const SeriesRow& row, const Interval& totals) {
  progress_.finished += row.counts.done + row.counts.all_errors() + row.counts.all_mismatches();
  progress_.total = series_row(totals, false);
  // A second begins where the warm-up ends.
  const double measured = seconds(std::chrono::seconds(row.second + 1) -
                                  std::chrono::ceil<std::chrono::seconds>(load_.warmup));
  progress_.rate = measured > 0 ? static_cast<double>(totals.counts.done) / measured : 0;
  progress_.last = row;
  progress_.rates.push_back(static_cast<double>(row.counts.done));
  if (progress_.rates.size() > kRatesKept) progress_.rates.pop_front();
  if (!screen_ && view_ != BenchView::none)
    err_.write(in_encoding(second_line(row, load_.connections) + '\n', terminal_));
}

void BenchWatch::on_tick() {
  update_phase();
  if (screen_) screen_->draw(screen_lines(progress_, screen_->room(), look_), "");
}

void BenchWatch::on_load_ended() {
  progress_.phase = Phase::finishing;
  update_phase();
}

void BenchWatch::end() {
  if (screen_) screen_->draw({}, "");
  screen_.reset();
}

void BenchWatch::update_phase() {
  progress_.elapsed = std::chrono::steady_clock::now() - began_;
  progress_.intended_rate = rate_at(load_, progress_.elapsed);
  if (progress_.phase == Phase::warmup && progress_.elapsed >= load_.warmup)
    progress_.phase = Phase::running;
}

std::string second_line(const SeriesRow& row, std::uint32_t connections) {
  std::string line = field("", std::to_string(row.second + 1) + " s", 6);
  line += field("", count_text(row.counts.done) + "/s", 7);
  if (row.max > 0) {
    line += field("p50", time_figure(row.p50), 8) + field("p90", time_figure(row.p90), 8) +
            field("p99", time_figure(row.p99), 8) + field("max", time_figure(row.max), 8);
  }
  if (const std::uint64_t errors = row.counts.all_errors(); errors > 0)
    line += "  errors " + count_figure(errors);
  if (const std::uint64_t tries = row.counts.all_connect_errors(); tries > 0)
    line += "  not connected " + count_figure(tries);
  if (const std::uint64_t wrong = row.counts.all_mismatches(); wrong > 0)
    line += "  mismatches " + count_figure(wrong);
  if (row.connections_open != connections)
    line += "  connections " + count_figure(row.connections_open) + "/" + count_figure(connections);
  if (row.is_warmup) line += "  (warm-up)";
  return line;
}

// ---- The screen ----

namespace {

constexpr std::size_t kNameColumns = 13;  // of the name at the front of each line
constexpr std::size_t kFigureColumns = 14;
constexpr std::size_t kFigureColumnsMin = 11;  // "p99 1.23 ms"

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

StyledLine progress_line(const BenchProgress& progress, std::size_t columns, bool ascii) {
  constexpr std::size_t kBarMin = 8, kBarMax = 40;
  constexpr std::array<std::string_view, 4> kPhases{"opening", "warm-up", "running", "finishing"};
  const bool is_running = progress.phase == BenchProgress::Phase::running;
  StyledLine line;
  line.add(kPhases[static_cast<std::size_t>(progress.phase)],
           is_running ? Style::strong : Style::doubtful);
  line.tab(kNameColumns);
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

StyledLine rate_line(const BenchProgress& progress, std::size_t columns, bool ascii) {
  constexpr std::size_t kSparksMin = 6;
  StyledLine line = line_named("rate");
  const double now = progress.rates.empty() ? 0 : progress.rates.back();
  line.add(count_text(now) + "/s now", Style::strong).tab(kNameColumns + kFigureColumns);
  line.add("mean " + count_text(progress.rate) + "/s");
  const std::string due = " of " + count_text(progress.intended_rate) + "/s due";
  if (progress.intended_rate > 0 && line.columns() + due.size() <= columns) line.add(due);
  if (columns >= line.columns() + 2 + kSparksMin)
    line.add("  ").add(sparkline(progress.rates, columns - line.columns(), ascii), Style::good);
  return line;
}

// Fixed columns, so that nothing jumps; a narrow terminal shows no p90.
StyledLine latency_line(std::string_view name, const SeriesRow& row, std::size_t columns) {
  StyledLine line = line_named(name);
  std::size_t column = kNameColumns;
  const auto add = [&](std::string_view what, std::uint64_t value) {
    if (column > kNameColumns && column + kFigureColumnsMin > columns) return;
    line.tab(column).add(what, Style::quiet);
    line.add(" " + (row.max == 0 ? "-" : time_figure(value)));
    column += kFigureColumns;
  };
  add("p50", row.p50);
  if (kNameColumns + 3 * kFigureColumns + kFigureColumnsMin <= columns) add("p90", row.p90);
  add("p99", row.p99);
  add("max", row.max);
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
  const std::uint64_t open = progress.total.connections_open;
  line.add(count_figure(open), open >= progress.connections ? Style::plain : Style::doubtful);
  return line.add(" of " + count_figure(progress.connections));
}

}  // namespace

std::vector<std::string> screen_lines(const BenchProgress& progress, const TerminalSize& room,
                                      const BenchScreenLook& look) {
  // The most important lines first: a low terminal shows only those.
  std::vector<StyledLine> lines{progress_line(progress, room.columns, look.ascii),
                                rate_line(progress, room.columns, look.ascii),
                                latency_line("latency", progress.total, room.columns)};
  if (progress.last) lines.push_back(latency_line("last second", *progress.last, room.columns));
  lines.push_back(errors_line(progress.total.counts));
  lines.push_back(connections_line(progress));
  lines.resize(std::min(lines.size(), room.rows));
  std::vector<std::string> texts;
  for (const StyledLine& line : lines) texts.push_back(line.text(room.columns, look.colour));
  return texts;
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
