#include "client/bench/report/bench_lines.hpp"

#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"
#include "client/cli/shown_text.hpp"

namespace fairlead {
namespace {

// In columns, as far as they fit, so that the lines are a table.
std::string field(std::string_view name, std::string text, std::size_t columns) {
  if (text.size() < columns) text.insert(0, columns - text.size(), ' ');
  return "  " + std::string(name) + text;
}

std::string latency_field(std::string_view name, std::uint64_t microseconds) {
  return field(name, time_figure(static_cast<double>(microseconds)), 8);
}

}  // namespace

void BenchLines::second(const SeriesRow& row, const BenchProgress& progress) {
  std::string line = field("", std::to_string(row.second + 1) + " s", 6);
  line += field("", count_text(static_cast<double>(row.counts.done)) + "/s", 7);
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
