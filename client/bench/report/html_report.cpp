// Fills in page.html.in: texts and positions for its sections and charts.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <kainjow/mustache.hpp>

#include "client/bench/report/chart.hpp"
#include "client/bench/report/report_facts.hpp"
#include "client/bench/report/reports.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"
#include "common/text/decimals.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

extern const char kBenchPage[];  // page.html.in, embedded by CMake

namespace {

using kainjow::mustache::data;
using List = kainjow::mustache::list;
using Object = kainjow::mustache::object;

// ---- Values ----

data text(std::string_view value) { return std::string(value); }
data amount(std::string_view value) { return with_micro_sign(value); }
data amount_if_any(const std::string& value) { return value.empty() ? data(false) : amount(value); }

// For a part of the page that is left out when there is nothing to list.
data list_if_any(const List& list) {
  return list.empty() ? data(false) : data(Object{{"list", list}});
}

// A position on a drawing; a tenth is precise enough.
std::string number(double value) { return with_decimals(value, 1); }

// ---- Charts ----

// Where the values of a chart stand on its drawing.
class Plot {
 public:
  static constexpr double kLeft = 68, kRight = 796, kTop = 34, kBottom = 258;

  explicit Plot(const Chart& chart) : chart_(chart) {}

  double x(double value) const { return between(chart_.x, value, kLeft, kRight); }
  double y(double value) const { return between(chart_.y, value, kBottom, kTop); }

  List boxes(const std::vector<ChartBox>& boxes) const {
    constexpr double kHeightMin = 3;
    List list;
    for (const ChartBox& box : boxes) {
      // Edges are rounded as they are written, so that no gap is left to a neighbour.
      const double left = std::round(x(box.from) * 10) / 10,
                   right = std::round(x(box.to) * 10) / 10;
      const double top = std::min(y(box.y), kBottom - kHeightMin);
      list.emplace_back(Object{{"x", number(left)},
                               {"y", number(top)},
                               {"width", number(std::max(right - left, 0.5))},
                               {"height", number(kBottom - top)},
                               {"look", text(box.look)},
                               {"text", amount_if_any(box.text)}});
    }
    return list;
  }

  List curves() const {
    const std::string bottom = "," + number(kBottom);
    List list;
    for (const ChartCurve& curve : chart_.curves) {
      if (curve.points.empty()) continue;
      std::string points;
      for (const ChartCurve::Point& point : curve.points)
        points += number(x(point.x)) + "," + number(y(point.y)) + " ";
      const std::string area = points + number(x(curve.points.back().x)) + bottom + " " +
                               number(x(curve.points.front().x)) + bottom;
      points.pop_back();
      list.emplace_back(Object{{"name", curve.name},
                               {"points", points},
                               {"area", curve.is_filled ? data(area) : data(false)},
                               {"look", text(curve.look)}});
    }
    return list;
  }

  List ticks(const ChartAxis& axis, double low, double high) const {
    List list;
    for (const ChartAxis::Tick& tick : axis.ticks) {
      list.emplace_back(Object{{"at", number(between(axis, tick.at, low, high))},
                               {"label", amount_if_any(tick.label)}});
    }
    return list;
  }

 private:
  static double between(const ChartAxis& axis, double at, double low, double high) {
    const double share = std::clamp((at - axis.from) / (axis.to - axis.from), 0.0, 1.0);
    return low + share * (high - low);
  }

  const Chart& chart_;
};

void add_chart(List& to, const std::optional<Chart>& chart) {
  if (!chart) return;
  const Plot plot(*chart);
  to.emplace_back(Object{{"id", chart->id},
                         {"chart_title", chart->title},
                         {"description", amount(chart->description)},
                         {"x_label", chart->x.label},
                         {"y_label", chart->y.label},
                         {"x_ticks", plot.ticks(chart->x, Plot::kLeft, Plot::kRight)},
                         {"y_ticks", plot.ticks(chart->y, Plot::kBottom, Plot::kTop)},
                         {"boxes", plot.boxes(chart->boxes)},
                         {"boxes_name", amount_if_any(chart->boxes_name)},
                         {"boxes_look", text(chart->boxes.empty() ? "" : chart->boxes.back().look)},
                         {"curves", plot.curves()}});
}

// ---- Sections with charts ----

// `summary`: the table is folded away under this text; empty: it is shown.
Object table(const LatencyTable& table, const std::string& summary = {}) {
  List columns, rows;
  for (const std::string& column : table.columns) columns.emplace_back(column);
  for (const LatencyTable::Row& row : table.rows) {
    List cells;
    for (const std::string& cell : row.cells) cells.push_back(amount(cell));
    rows.emplace_back(Object{{"name", row.name}, {"cells", cells}});
  }
  return {{"summary", amount_if_any(summary)},
          {"columns", columns},
          {"rows", rows},
          {"has_gaps", table.has_gaps}};
}

Object seconds_table(const BenchResult& result) {
  LatencyTable seconds{.columns = {"begun", "done", "errors", "mismatches", "connections", "p50",
                                   "p90", "p99", "max"}};
  for (const SeriesRow& row : drawn_series(result)) {
    LatencyTable::Row line;
    line.name = std::to_string(row.second) + (row.is_warmup ? " (warm-up)" : "");
    for (const std::uint64_t count : {row.counts.sent, row.counts.done, row.counts.all_errors(),
                                      row.counts.all_mismatches(), row.connections_open})
      line.cells.push_back(count_figure(count));
    for (const std::uint64_t time : {row.p50, row.p90, row.p99, row.max})
      line.cells.push_back(row.max == 0 ? "-" : time_figure(time));
    seconds.rows.push_back(std::move(line));
  }
  return table(seconds, "The numbers of each second");
}

List chart_sections(const BenchResult& result) {
  List sections;
  const auto add = [&sections](std::string_view title, const std::string& lead, const List& charts,
                               const List& tables) {
    sections.emplace_back(Object{{"title", text(title)},
                                 {"lead", amount_if_any(lead)},
                                 {"charts", charts},
                                 {"tables", tables}});
  };
  List latency, over_time, distribution;
  add_chart(latency, percentile_chart(result));
  add_chart(over_time, rate_chart(result));
  add_chart(over_time, latency_series_chart(result));
  add_chart(distribution, histogram_chart(result));

  const LatencyTable latencies = latency_table(result);
  if (!latencies.columns.empty()) add("Latency", loop_meaning(result), latency, {table(latencies)});
  const std::size_t each = seconds_of_a_point(result);
  const std::string grouped =
      each <= 1 ? ""
                : "Each point stands for " + std::to_string(each) +
                      " seconds: rates are their mean, latencies those of the worst of them.";
  if (!result.series.empty()) add("Over time", grouped, over_time, {seconds_table(result)});
  if (!distribution.empty()) add("Distribution", "", distribution, {});
  return sections;
}

// ---- The other parts, from the top ----

List figures(const BenchResult& result) {
  List list;
  const auto add = [&list](std::string_view name, const std::string& value, bool is_alarming) {
    list.emplace_back(
        Object{{"name", text(name)}, {"value", amount(value)}, {"is_alarming", is_alarming}});
  };
  if (result.mode != BenchMode::idle) add("rate", count_text(result.rate()) + " /s", false);
  const Histogram& latency = result.latency();
  if (latency.count() > 0) {
    for (const auto& [name, share] :
         {ReportedQuantile{"p50", 0.5}, ReportedQuantile{"p99", 0.99}}) {
      const auto value = supported_quantile(latency, share);
      add(name, value ? time_figure(*value) : "-", false);
    }
    add("max", time_figure(latency.max()), false);
  }
  const BenchCounts& counts = result.tally.counts;
  add("errors", count_text(counts.all_errors()), counts.all_errors() > 0);
  add("mismatches", count_text(counts.all_mismatches()), counts.all_mismatches() > 0);
  return list;
}

List thresholds(const BenchResult& result) {
  List list;
  for (const ThresholdOutcome& outcome : result.thresholds) {
    list.emplace_back(Object{
        {"is_met", outcome.met}, {"text", outcome.text}, {"found", amount(found_text(outcome))}});
  }
  return list;
}

data first_mismatches(const BenchResult& result) {
  List replies;
  for (const WrongReply& reply : wrong_replies(result)) {
    replies.emplace_back(Object{{"line", reply.line},
                                {"diff", list_if_any(List(reply.diff.begin(), reply.diff.end()))}});
  }
  return list_if_any(replies);
}

data page_data(const BenchResult& result) {
  constexpr std::string_view kMarks[] = {"✓", "?", "✗"};
  constexpr std::string_view kClasses[] = {"valid", "doubtful", "invalid"};
  constexpr std::string_view kMeanings[] = {
      "The figures can be believed.",
      "Read the figures with care:", "The figures must not be used:"};
  const auto belief = static_cast<std::size_t>(result.verdict.belief);
  List reasons, facts, configuration;
  for (const std::string& reason : result.verdict.reasons) reasons.push_back(amount(reason));
  for (const Fact& fact : facts_of(result))
    facts.emplace_back(Object{{"name", fact.name}, {"value", amount(fact.value)}});
  for (const auto& [option, value] : result.configuration)
    configuration.emplace_back(Object{{"option", option}, {"value", value}});
  std::string loop = loop_text(result);
  loop.front() = static_cast<char>(loop.front() & ~0x20);  // begins a sentence here
  return Object{{"address", result.address},
                {"version", result.version},
                {"began", began_text(result)},
                {"loop", amount(loop)},
                {"belief", text(name_of(result.verdict.belief))},
                {"belief_class", text(kClasses[belief])},
                {"belief_mark", text(kMarks[belief])},
                {"belief_meaning", text(kMeanings[belief])},
                {"verdict_reasons", list_if_any(reasons)},
                {"figures", figures(result)},
                {"thresholds", list_if_any(thresholds(result))},
                {"chart_sections", chart_sections(result)},
                {"first_mismatches", first_mismatches(result)},
                {"facts", facts},
                {"configuration", list_if_any(configuration)}};
}

}  // namespace

std::string html_report(const BenchResult& result) {
  kainjow::mustache::mustache page{kBenchPage};
  page.set_custom_escape([](const std::string& value) { return html(value); });
  return page.render(page_data(result));
}

std::string html(Bytes text) {
  const std::string shown = escaped(text);
  std::string out;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    out += shown[i];
    // A backslash never ends an escape: one behind another is its own escape.
    if (shown[i] == '\\' && shown[i + 1] == '\\') ++i;
  }
  return kainjow::mustache::html_escape(out);
}

std::string with_micro_sign(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(" us", at)) != std::string::npos; at += 3) {
    const bool is_unit =
        at > 0 && std::isdigit(static_cast<unsigned char>(out[at - 1])) != 0 &&
        (at + 3 == out.size() || std::isalpha(static_cast<unsigned char>(out[at + 3])) == 0);
    if (is_unit) out.replace(at, 3, " µs");
  }
  return out;
}

}  // namespace fairlead
