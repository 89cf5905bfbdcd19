#include <algorithm>

#include "client/bench/report/report_facts.hpp"
#include "client/bench/report/reports.hpp"
#include "client/cli/columns.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kNameColumns = 14;

// ASCII: as many columns as bytes.
std::string to_the_right(std::string_view text, std::size_t columns) {
  return std::string(columns - std::min(text.size(), columns), ' ').append(text);
}

std::string to_the_left(std::string_view text, std::size_t columns) {
  return std::string(text).append(columns - std::min(columns_of(text), columns), ' ');
}

std::string verdict_part(const BenchResult& result, std::size_t columns) {
  std::string out =
      wrapped("", std::string(name_of(result.verdict.belief)) + ", " + loop_text(result), columns);
  for (const std::string& reason : result.verdict.reasons)
    out += wrapped("  - ", escaped(reason), columns);
  const std::string occasion =
      escaped(result.address) + ", " + began_text(result) + ", fairlead " + escaped(result.version);
  for (const std::string& line : {occasion, loop_meaning(result)})
    if (!line.empty()) out += wrapped("  ", line, columns);
  return out;
}

std::string facts_part(const BenchResult& result, std::size_t columns) {
  std::string out;
  for (const Fact& fact : facts_of(result))
    out += wrapped("  " + to_the_left(fact.name, kNameColumns), fact.value, columns);
  return out;
}

std::string mismatch_part(const BenchResult& result, std::size_t columns) {
  std::string out;
  for (const WrongReply& reply : wrong_replies(result)) {
    out += wrapped(out.empty() ? "first wrong: " : "then wrong:  ", reply.line, columns);
    for (const std::string& line : reply.diff) out += ' ' + line + '\n';
  }
  return out;
}

std::string latency_part(const BenchResult& result, std::size_t) {
  constexpr std::size_t kCellColumns = 16;
  const LatencyTable table = latency_table(result);
  if (table.columns.empty()) return "";
  std::string out = to_the_left("  latency", 2 + kNameColumns);
  for (const std::string& column : table.columns) out += to_the_right(column, kCellColumns);
  out += '\n';
  for (const LatencyTable::Row& row : table.rows) {
    out += "  " + to_the_left(row.name, kNameColumns);
    for (const std::string& cell : row.cells) out += to_the_right(cell, kCellColumns);
    out += '\n';
  }
  if (table.has_gaps) out += "  -: fewer than ten samples lie beyond it\n";
  return out;
}

std::string thresholds_part(const BenchResult& result, std::size_t columns) {
  std::size_t widest = 0;
  for (const ThresholdOutcome& outcome : result.thresholds)
    widest = std::max(widest, columns_of(escaped(outcome.text)));
  std::string out;
  for (const ThresholdOutcome& outcome : result.thresholds) {
    const std::string begin = "  " + to_the_left(outcome.met ? "met" : "MISSED", kNameColumns) +
                              to_the_left(escaped(outcome.text), widest) + "   ";
    out += wrapped(begin, found_text(outcome), columns);
  }
  return out;
}

}  // namespace

std::string text_report(const BenchResult& result, std::size_t columns) {
  std::string out;
  for (const auto part : {verdict_part, facts_part, mismatch_part, latency_part, thresholds_part}) {
    const std::string text = part(result, columns);
    if (!text.empty()) out.append(out.empty() ? "" : "\n").append(text);
  }
  return out;
}

}  // namespace fairlead
