#include <algorithm>

#include "client/bench/report/report_facts.hpp"
#include "client/bench/report/reports.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kNameColumns = 14;

// ASCII: as many columns as bytes.
std::string to_the_right(std::string_view text, std::size_t columns) {
  return std::string(columns - std::min(text.size(), columns), ' ').append(text);
}

std::string to_the_left(std::string_view text, std::size_t columns) {
  return std::string(text).append(columns - std::min(text.size(), columns), ' ');
}

// Wraps between words. The first line begins with `first`, the others with as many spaces. A word
// longer than a line is not broken.
std::string wrapped(const std::string& first, std::string_view text) {
  std::string out = first;
  std::size_t column = first.size();
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const bool begins_line = column == first.size();
    if (!begins_line && column + 1 + size > kColumns) {
      out.append("\n").append(first.size(), ' ');
      column = first.size();
    } else if (!begins_line) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, size);
    column += size;
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out + '\n';
}

std::string verdict_part(const BenchResult& result) {
  std::string out =
      wrapped("", std::string(name_of(result.verdict.belief)) + ", " + loop_text(result));
  for (const std::string& reason : result.verdict.reasons) out += wrapped("  - ", escaped(reason));
  const std::string occasion =
      escaped(result.address) + ", " + began_text(result) + ", fairlead " + escaped(result.version);
  for (const std::string& line : {occasion, loop_meaning(result)})
    if (!line.empty()) out += wrapped("  ", line);
  return out;
}

std::string facts_part(const BenchResult& result) {
  std::string out;
  for (const Fact& fact : facts_of(result))
    out += wrapped("  " + to_the_left(fact.name, kNameColumns), fact.value);
  return out;
}

std::string mismatch_part(const BenchResult& result) {
  std::string out;
  for (const std::string& line : first_mismatch_lines(result))
    out += out.empty() ? wrapped("first wrong: ", line) : "  " + line + '\n';
  return out;
}

std::string latency_part(const BenchResult& result) {
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

std::string thresholds_part(const BenchResult& result) {
  std::size_t columns = 0;
  for (const ThresholdOutcome& outcome : result.thresholds)
    columns = std::max(columns, escaped(outcome.text).size());
  std::string out;
  for (const ThresholdOutcome& outcome : result.thresholds) {
    out += "  " + to_the_left(outcome.met ? "met" : "MISSED", kNameColumns) +
           to_the_left(escaped(outcome.text), columns) + "   " + found_text(outcome) + '\n';
  }
  return out;
}

}  // namespace

std::string text_report(const BenchResult& result) {
  std::string out;
  for (const auto part : {verdict_part, facts_part, mismatch_part, latency_part, thresholds_part}) {
    const std::string text = part(result);
    if (!text.empty()) out.append(out.empty() ? "" : "\n").append(text);
  }
  return out;
}

}  // namespace fairlead
