#include <algorithm>
#include <vector>

#include "client/bench/report/reports.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/columns.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

// With fewer rounds, almost every resample contains a disturbed one.
constexpr std::size_t kRoundsAdvised = 5;

using Row = std::vector<std::string>;

std::string figure(CompareMetric metric, std::optional<double> value) {
  if (!value) return "-";
  if (metric == CompareMetric::rate) return rate_figure(*value);
  if (metric == CompareMetric::errors) return share_figure(*value);
  return time_figure(*value);
}

// Better or worse, if the interval leaves no doubt.
std::string meaning(CompareMetric metric, const Ratio& ratio, bool is_separate) {
  if (is_separate || (ratio.low <= 1 && ratio.high >= 1)) return {};
  const bool is_more = ratio.low > 1;
  return is_more == (metric == CompareMetric::rate) ? " better" : " worse";
}

std::string ratio_cell(CompareMetric metric, const Comparison& comparison,
                       const Comparison::Target& target) {
  const auto& ratio = target.ratios[static_cast<std::size_t>(metric)];
  if (!ratio) return "-";
  return ratio_figure(*ratio) + meaning(metric, *ratio, comparison.separate_drift.has_value());
}

std::vector<Row> rows_of(const Comparison& comparison) {
  std::vector<Row> rows{{""}};
  for (const Comparison::Target& target : comparison.targets) {
    rows[0].push_back(escaped(target.name));
    if (&target != &comparison.targets.front()) rows[0].push_back("ratio to the first");
  }
  for (std::size_t i = 0; i < kCompareMetrics; ++i) {
    const auto metric = static_cast<CompareMetric>(i);
    Row row{std::string(name_of(metric))};
    bool is_measured = false;
    for (const Comparison::Target& target : comparison.targets) {
      is_measured = is_measured || target.medians[i];
      row.push_back(figure(metric, target.medians[i]));
      if (&target != &comparison.targets.front())
        row.push_back(ratio_cell(metric, comparison, target));
    }
    // A percentile of too few values is a "-"; processor time needs --pid.
    if (is_measured || metric != CompareMetric::cpu) rows.push_back(std::move(row));
  }
  return rows;
}

std::string heading(const Comparison& comparison) {
  if (comparison.separate_drift)
    return "separate runs: differences up to " + share_figure(*comparison.separate_drift) +
           " may be the machine's";
  std::string text = count_figure(comparison.rounds) +
                     " rounds, the targets in turn: medians, and ratios with their 95 % intervals";
  if (comparison.rounds < kRoundsAdvised)
    text += "; so few rounds say little, take " + count_figure(kRoundsAdvised) + " or more";
  return text;
}

// Between two cells.
constexpr std::size_t kGap = 2;

// The names of the figures stand first. The cells of a target, which are its figure and, but for
// the first target's, its ratio, are not parted.
std::size_t end_of_part(const std::vector<std::size_t>& widths, std::size_t from,
                        std::size_t columns) {
  std::size_t end = from, width = widths[0];
  while (end < widths.size()) {
    const std::size_t next = end == 1 ? 2 : end + 2;
    for (std::size_t i = end; i < next; ++i) width += kGap + widths[i];
    if (width > columns && end > from) break;
    end = next;
  }
  return end;
}

// The name and the cells [from, to).
std::string line_of(const Row& row, const std::vector<std::size_t>& widths, std::size_t from,
                    std::size_t to) {
  std::string line;
  const auto add = [&](std::size_t i) {
    line += row[i] + std::string(widths[i] - columns_of(row[i]) + kGap, ' ');
  };
  add(0);
  for (std::size_t i = from; i < to; ++i) add(i);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string in_cell(std::string text) {
  for (std::size_t bar = text.find('|'); bar != std::string::npos; bar = text.find('|', bar + 2))
    text.insert(bar, 1, '\\');
  return text;
}

}  // namespace

std::string comparison_text(const Comparison& comparison, std::size_t columns) {
  const std::vector<Row> rows = rows_of(comparison);
  std::vector<std::size_t> widths(rows[0].size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));

  std::string text = wrapped("", heading(comparison), columns);
  for (std::size_t from = 1; from < widths.size();) {
    const std::size_t to = end_of_part(widths, from, columns);
    text += '\n';
    for (const Row& row : rows) text += line_of(row, widths, from, to);
    from = to;
  }
  return text;
}

std::string comparison_markdown(const Comparison& comparison) {
  const std::vector<Row> rows = rows_of(comparison);
  std::string text = heading(comparison) + "\n\n";
  for (const Row& row : rows) {
    for (const std::string& cell : row) text += "| " + in_cell(cell) + ' ';
    text += "|\n";
    if (&row != &rows.front()) continue;
    text += "|---|";
    for (std::size_t i = 1; i < row.size(); ++i) text += "---:|";
    text += '\n';
  }
  return text;
}

}  // namespace fairlead
