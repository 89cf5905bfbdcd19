#include "client/bench/report/bench_view.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "client/bench/report/bench_screen.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"
#include "client/cli/output.hpp"

namespace fairlead {

std::string_view name_of(BenchProgress::Phase phase) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"opening", "warm-up", "running", "finishing"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::unique_ptr<BenchView> make_bench_view(BenchViewForm form, Output& err, Encoding terminal) {
  if (form == BenchViewForm::lines || !can_be_drawn_over(err))
    return std::make_unique<BenchLines>(err, terminal);
  const char* const no_color = std::getenv("NO_COLOR");
  const BenchScreenLook look{.colour = no_color == nullptr || *no_color == '\0',
                             .ascii = terminal != Encoding::utf8};
  return std::make_unique<BenchScreen>(
      err, [] { return terminal_size(STDERR_FILENO); }, terminal, look);
}

namespace {

// Padded to `columns`, so that the lines form a table.
std::string field(std::string_view name, std::string text, std::size_t columns) {
  if (text.size() < columns) text.insert(0, columns - text.size(), ' ');
  return "  " + std::string(name) + text;
}

std::string latency_field(std::string_view name, std::uint64_t microseconds) {
  return field(name, time_figure(microseconds), 8);
}

}  // namespace

void BenchLines::on_second(const SeriesRow& row, const BenchProgress& progress) {
  std::string line = field("", std::to_string(row.second + 1) + " s", 6);
  line += field("", count_text(row.counts.done) + "/s", 7);
  if (row.max > 0) {
    line += latency_field("p50", row.p50) + latency_field("p90", row.p90) +
            latency_field("p99", row.p99) + latency_field("max", row.max);
  }
  if (const std::uint64_t errors = row.counts.all_errors(); errors > 0)
    line += "  errors " + count_figure(errors);
  if (const std::uint64_t wrong = row.counts.all_mismatches(); wrong > 0)
    line += "  mismatches " + count_figure(wrong);
  if (row.connections_open != progress.connections) {
    line += "  connections " + count_figure(row.connections_open) + "/" +
            count_figure(progress.connections);
  }
  if (row.is_warmup) line += "  (warm-up)";
  say(line);
}

void BenchLines::say(std::string_view line) {
  err_.write(in_encoding(std::string(line) + '\n', encoding_));
}

}  // namespace fairlead
