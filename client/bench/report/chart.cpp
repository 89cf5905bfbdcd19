#include "client/bench/report/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "client/bench/report/report_facts.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"

namespace fairlead {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

struct Range {
  double min = 1e18;
  double max = 1;
  void include(std::uint64_t value) {
    min = std::min(min, number(value));
    max = std::max(max, number(value));
  }
};

ChartAxis latency_axis(const Range& range) {
  return logarithmic_axis("latency, logarithmic", std::min(range.min, range.max), range.max,
                          time_figure);
}

std::uint64_t failures(const SeriesRow& row) {
  return row.counts.all_errors() + row.counts.all_connect_errors() + row.counts.all_mismatches();
}

// The common parts of the two charts over time: the x axis and the warm-up.
Chart series_chart(const BenchResult& result, const std::vector<SeriesRow>& rows) {
  const auto width = number(seconds_of_a_point(result));
  Chart chart;
  const auto text = [](double seconds) { return count_text(seconds) + " s"; };
  chart.x = linear_axis("time since the run began", rows.back().second + width, 8, text);
  chart.x.to = rows.back().second + width;
  while (chart.x.ticks.size() > 1 && chart.x.ticks.back().at > chart.x.to) chart.x.ticks.pop_back();
  ChartBox warmup{.look = "band", .text = "warm-up"};
  for (const SeriesRow& row : rows)
    if (row.is_warmup) warmup.to = row.second + width;
  if (warmup.to > 0) chart.boxes.push_back(warmup);
  return chart;
}

template <class Value>
ChartCurve curve_of(std::string name, std::string_view look, const std::vector<SeriesRow>& rows,
                    double middle, Value&& value) {
  ChartCurve curve{.name = std::move(name), .look = look};
  for (const SeriesRow& row : rows) curve.points.push_back({row.second + middle, value(row)});
  return curve;
}

// "10.0 ms" is "10 ms" beside an axis.
std::string short_text(std::string text) {
  const std::size_t point = text.find('.');
  const std::size_t end = std::min(text.find_first_not_of(".0123456789"), text.size());
  if (point < end && text.find_first_not_of('0', point + 1) >= end) text.erase(point, end - point);
  return text;
}

}  // namespace

std::optional<Chart> percentile_chart(const BenchResult& result) {
  constexpr int kPoints = 240;
  const std::vector<NamedHistogram> latencies = latencies_of(result);
  if (latencies.empty()) return std::nullopt;
  Chart chart{
      .id = "percentiles",
      .title = "Latency by percentile",
      .description = "For each share of the operations, how long the slowest of them took."};
  chart.x = percentile_axis("share of the operations", number(result.latency().count()));
  Range range;
  for (const auto& [name, histogram] : latencies) {
    range.include(histogram.quantile(0.01));
    range.include(histogram.max());
    ChartCurve curve{.name = std::string(name),
                     .look = chart.curves.empty() ? "leading" : "second"};
    for (int i = 0; i <= kPoints; ++i) {
      const double x = chart.x.to * i / kPoints;
      curve.points.push_back({x, log_position(number(histogram.quantile(percentile_at(x))))});
    }
    chart.curves.push_back(std::move(curve));
  }
  chart.y = latency_axis(range);
  return chart;
}

std::optional<Chart> histogram_chart(const BenchResult& result) {
  const Histogram& latency = result.latency();
  if (latency.count() == 0) return std::nullopt;
  constexpr double kBarsOfAPower = 24;
  Chart chart{.id = "histogram",
              .title = "Latency by value",
              .description = "How many operations took how long, both axes logarithmic.",
              .boxes_name = "operations"};
  chart.x = latency_axis({number(latency.min()), number(latency.max())});
  std::vector<std::uint64_t> counts(
      static_cast<std::size_t>(std::ceil((chart.x.to - chart.x.from) * kBarsOfAPower)) + 1);
  latency.each([&](std::uint64_t min, std::uint64_t max, std::uint64_t times) {
    const double at = log_position((number(min) + number(max)) / 2) - chart.x.from;
    counts[static_cast<std::size_t>(at * kBarsOfAPower)] += times;
  });
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double from = chart.x.from + number(i) / kBarsOfAPower;
    chart.boxes.push_back(
        {from, from + 1 / kBarsOfAPower, log_position(number(counts[i])) + 0.05, "bar leading"});
  }
  chart.y = logarithmic_axis("operations, logarithmic", 1,
                             number(*std::max_element(counts.begin(), counts.end())), count_text);
  return chart;
}

std::size_t seconds_of_a_point(const BenchResult& result) {
  return (result.series.size() + kSeriesPointsMax - 1) / kSeriesPointsMax;
}

std::vector<SeriesRow> drawn_series(const BenchResult& result) {
  const std::size_t each = seconds_of_a_point(result);
  std::vector<SeriesRow> rows;
  for (std::size_t i = 0; i < result.series.size(); i += each) {
    const std::size_t seconds = std::min(each, result.series.size() - i);
    SeriesRow row = result.series[i];
    for (std::size_t j = i + 1; j < i + seconds; ++j) {
      const SeriesRow& next = result.series[j];
      row.counts += next.counts;
      row.connections_open = std::min(row.connections_open, next.connections_open);
      row.p50 = std::max(row.p50, next.p50);
      row.p90 = std::max(row.p90, next.p90);
      row.p99 = std::max(row.p99, next.p99);
      row.max = std::max(row.max, next.max);
    }
    BenchCounts& counts = row.counts;
    const auto of_a_second = [seconds](std::uint64_t& count) {
      count = (count + seconds - 1) / seconds;
    };
    for (const auto counter : BenchCounts::kCounters) of_a_second(counts.*counter);
    std::for_each(counts.errors.begin(), counts.errors.end(), of_a_second);
    std::for_each(counts.connect_errors.begin(), counts.connect_errors.end(), of_a_second);
    std::for_each(counts.mismatches.begin(), counts.mismatches.end(), of_a_second);
    rows.push_back(row);
  }
  return rows;
}

std::optional<Chart> rate_chart(const BenchResult& result) {
  if (result.series.empty()) return std::nullopt;
  const std::vector<SeriesRow> rows = drawn_series(result);
  const auto width = number(seconds_of_a_point(result));
  Chart chart = series_chart(result, rows);
  chart.id = "rate";
  chart.title = "Rate over time";
  chart.description = "How many operations a second were begun, were done, and failed.";
  std::uint64_t max = 1;
  for (const SeriesRow& row : rows) {
    max = std::max({max, row.counts.done, row.counts.sent, failures(row)});
    if (failures(row) == 0) continue;
    chart.boxes_name = "errors";
    chart.boxes.push_back(
        {row.second + 0.15 * width, row.second + 0.85 * width, number(failures(row)), "bar alarm"});
  }
  chart.y = linear_axis(std::string(operations_of(result.mode)) + " a second", 1.02 * number(max),
                        5, count_text);
  chart.curves.push_back(curve_of("done", "leading", rows, width / 2,
                                  [](const SeriesRow& row) { return number(row.counts.done); }));
  chart.curves.back().is_filled = true;
  chart.curves.push_back(curve_of("begun", "second", rows, width / 2,
                                  [](const SeriesRow& row) { return number(row.counts.sent); }));
  return chart;
}

std::optional<Chart> latency_series_chart(const BenchResult& result) {
  if (result.latency().count() == 0 || result.series.empty()) return std::nullopt;
  std::vector<SeriesRow> rows = drawn_series(result);
  const double middle = number(seconds_of_a_point(result)) / 2;
  Chart chart = series_chart(result, rows);
  chart.id = "latency-series";
  chart.title = "Latency over time";
  chart.description = "The median, the 99th percentile and the greatest latency of each second.";
  Range range;
  std::erase_if(rows, [](const SeriesRow& row) { return row.max == 0; });
  for (const SeriesRow& row : rows) {
    range.include(row.p50);
    range.include(row.max);
  }
  chart.y = latency_axis(range);
  const auto add = [&](std::string name, std::string_view look, std::uint64_t SeriesRow::*value) {
    chart.curves.push_back(
        curve_of(std::move(name), look, rows, middle,
                 [value](const SeriesRow& row) { return log_position(number(row.*value)); }));
  };
  add("max", "third", &SeriesRow::max);
  add("p99", "second", &SeriesRow::p99);
  add("p50", "leading", &SeriesRow::p50);
  return chart;
}

// ---- Axes ----

ChartAxis linear_axis(std::string label, double max, int ticks, const ValueText& text) {
  max = std::max(max, 1.0);
  const double rough = max / ticks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  ChartAxis axis{.label = std::move(label)};
  axis.to = std::ceil(max / step) * step;
  for (int i = 0; i * step <= axis.to * 1.0001; ++i)
    axis.ticks.push_back({i * step, short_text(text(i * step))});
  return axis;
}

ChartAxis logarithmic_axis(std::string label, double min, double max, const ValueText& text) {
  constexpr std::array kFactors{1.0, 2.0, 5.0};
  ChartAxis axis{.label = std::move(label)};
  const double low = log_position(min), high = log_position(max);
  // Beyond two powers of ten the names between them would crowd each other.
  const bool names_all = high - low <= 2;
  for (double power = std::pow(10, std::floor(low));; power *= 10) {
    for (const double factor : kFactors) {
      const double at = log_position(factor * power);
      const bool is_below = at <= low + 1e-9;
      if (is_below) axis.ticks.clear();
      axis.ticks.push_back({at, factor == 1 || names_all ? short_text(text(factor * power)) : ""});
      if (is_below || at < high - 1e-9) continue;
      axis.from = axis.ticks.front().at;
      axis.to = at;
      return axis;
    }
  }
}

double log_position(double value) { return std::log10(std::max(value, 1.0)); }

ChartAxis percentile_axis(std::string label, double samples) {
  constexpr std::array kNamed{"0%",     "50%",     "90%",      "99%",      "99.9%",
                              "99.99%", "99.999%", "99.9999%", "99.99999%"};
  ChartAxis axis{.label = std::move(label)};
  axis.to = std::clamp(std::log10(std::max(samples, 1.0)), 1.0, 7.0);
  for (std::size_t i = 0; i < kNamed.size(); ++i) {
    const double at = i == 0 ? 0 : i == 1 ? std::log10(2) : static_cast<double>(i) - 1;
    if (at <= axis.to) axis.ticks.push_back({at, kNamed[i]});
  }
  return axis;
}

double percentile_at(double position) { return 1 - std::pow(10, -position); }

}  // namespace fairlead
