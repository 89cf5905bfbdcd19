#include "client/bench/report/bench_charts.hpp"

#include <algorithm>
#include <cmath>

#include "client/bench/report/report_facts.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"

namespace fairlead {
namespace {

struct NamedHistogram {
  std::string name;
  const Histogram& histogram;
  ChartInk ink;
};

std::vector<NamedHistogram> latencies_of(const BenchResult& result) {
  const Tally& tally = result.tally;
  std::vector<NamedHistogram> all;
  if (tally.intended.count() > 0)
    all.push_back({"from intended", tally.intended, ChartInk::leading});
  if (tally.actual.count() > 0) {
    all.push_back({all.empty() ? "latency" : "from sent", tally.actual,
                   all.empty() ? ChartInk::leading : ChartInk::second});
  }
  return all;
}

double number(std::uint64_t value) { return static_cast<double>(value); }

ChartAxis latency_axis(double least, double greatest) {
  return logarithmic_axis("latency, logarithmic", least, greatest, time_figure);
}

struct Range {
  double least = 1e18;
  double greatest = 1;
  void take(std::uint64_t value) {
    least = std::min(least, number(value));
    greatest = std::max(greatest, number(value));
  }
};

// "99.87%", with as many digits as tell it from its neighbours.
std::string percentile_text(double position) {
  const double beyond = std::pow(10, -position);
  return share_figure(beyond) + " took longer";
}

// Seconds of warm-up, which stand at the front.
ChartNote warmup_band(const std::vector<SeriesRow>& rows, double width) {
  ChartNote band{.text = "warm-up"};
  for (const SeriesRow& row : rows) {
    if (row.is_warmup) band.to = row.second + width;
  }
  if (band.to == 0) band.text.clear();
  return band;
}

std::uint64_t failures(const SeriesRow& row) {
  return row.counts.all_errors() + row.counts.all_mismatches();
}

double seconds_of_a_row(const BenchResult& result) {
  const std::size_t rows = result.series.size();
  return number((rows + kSeriesPointsMax - 1) / kSeriesPointsMax);
}

// What the two charts over time have in common: the axis below, the warm-up, and what is told.
Chart series_chart(const BenchResult& result, const std::vector<SeriesRow>& rows) {
  const double width = seconds_of_a_row(result);
  Chart chart;
  const auto text = [](double seconds) { return count_text(seconds) + " s"; };
  chart.x = linear_axis("time since the run began", rows.back().second + width, 8, text);
  chart.x.to = rows.back().second + width;
  while (chart.x.ticks.size() > 1 && chart.x.ticks.back().at > chart.x.to) chart.x.ticks.pop_back();
  chart.band = warmup_band(rows, width);
  for (const SeriesRow& row : rows) {
    std::string note = "second " + std::to_string(row.second) + ": " +
                       count_text(number(row.counts.done)) + "/s done, " +
                       count_text(number(failures(row))) + "/s errors";
    if (row.max > 0) {
      note += "; p50 " + time_figure(number(row.p50)) + ", p99 " + time_figure(number(row.p99)) +
              ", max " + time_figure(number(row.max));
    }
    chart.notes.push_back({number(row.second), row.second + width, std::move(note)});
  }
  return chart;
}

template <class Value>
ChartCurve curve_of(std::string name, ChartInk ink, const std::vector<SeriesRow>& rows,
                    double middle, Value&& value) {
  ChartCurve curve{.name = std::move(name), .ink = ink};
  for (const SeriesRow& row : rows) curve.points.push_back({row.second + middle, value(row)});
  return curve;
}

}  // namespace

std::optional<Chart> percentile_chart(const BenchResult& result) {
  constexpr int kPoints = 240, kPointsOfANote = 4;
  const std::vector<NamedHistogram> shown = latencies_of(result);
  if (shown.empty()) return std::nullopt;
  Range range;
  for (const NamedHistogram& one : shown) {
    range.take(one.histogram.quantile(0.01));
    range.take(one.histogram.max());
  }
  Chart chart{
      .id = "percentiles",
      .title = "Latency by percentile",
      .description = "For each share of the operations, how long the slowest of them took."};
  chart.x = percentile_axis("share of the operations", number(result.latency().count()));
  chart.y = latency_axis(range.least, range.greatest);
  for (const NamedHistogram& one : shown) {
    ChartCurve curve{.name = one.name, .ink = one.ink};
    for (int i = 0; i <= kPoints; ++i) {
      const double x = chart.x.to * i / kPoints;
      curve.points.push_back({x, log_position(number(one.histogram.quantile(percentile_at(x))))});
    }
    chart.curves.push_back(std::move(curve));
  }
  for (int i = 0; i < kPoints; i += kPointsOfANote) {
    const double from = chart.x.to * i / kPoints;
    const double to = chart.x.to * (i + kPointsOfANote) / kPoints;
    std::string note = percentile_text((from + to) / 2) + ":";
    for (const NamedHistogram& one : shown) {
      note += " " + one.name + " " +
              time_figure(number(one.histogram.quantile(percentile_at((from + to) / 2))));
    }
    chart.notes.push_back({from, to, std::move(note)});
  }
  return chart;
}

std::optional<Chart> histogram_chart(const BenchResult& result) {
  const Histogram& latency = result.latency();
  if (latency.count() == 0) return std::nullopt;
  constexpr double kBarsOfAPower = 24;
  Chart chart{.id = "histogram",
              .title = "Latency by value",
              .description = "How many operations took how long, both axes logarithmic."};
  chart.x = logarithmic_axis("latency, logarithmic", number(latency.min()), number(latency.max()),
                             time_figure);
  std::vector<std::uint64_t> counts(
      static_cast<std::size_t>(std::ceil((chart.x.to - chart.x.from) * kBarsOfAPower)) + 1);
  latency.each([&](std::uint64_t least, std::uint64_t greatest, std::uint64_t times) {
    const double at = log_position((number(least) + number(greatest)) / 2) - chart.x.from;
    counts[static_cast<std::size_t>(at * kBarsOfAPower)] += times;
  });
  ChartBars bars{.name = "operations"};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double from = chart.x.from + number(i) / kBarsOfAPower, to = from + 1 / kBarsOfAPower;
    bars.bars.push_back({from, to, log_position(number(counts[i])) + 0.05});
    chart.notes.push_back({from, to,
                           count_figure(counts[i]) + " took " + time_figure(std::pow(10, from)) +
                               " to " + time_figure(std::pow(10, to))});
  }
  chart.y = logarithmic_axis("operations, logarithmic", 1,
                             number(*std::max_element(counts.begin(), counts.end())), count_text);
  chart.bars.push_back(std::move(bars));
  return chart;
}

std::vector<SeriesRow> drawn_series(const BenchResult& result) {
  const auto each = static_cast<std::size_t>(seconds_of_a_row(result));
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
    for (std::uint64_t* count :
         {&counts.sent, &counts.done, &counts.bytes_out, &counts.bytes_in, &counts.connects})
      of_a_second(*count);
    std::for_each(counts.errors.begin(), counts.errors.end(), of_a_second);
    std::for_each(counts.mismatches.begin(), counts.mismatches.end(), of_a_second);
    rows.push_back(row);
  }
  return rows;
}

std::optional<Chart> rate_chart(const BenchResult& result) {
  if (result.series.empty()) return std::nullopt;
  const std::vector<SeriesRow> rows = drawn_series(result);
  const double width = seconds_of_a_row(result);
  Chart chart = series_chart(result, rows);
  chart.id = "rate";
  chart.title = "Rate over time";
  chart.description = "How many operations a second were begun, were done, and failed.";
  std::uint64_t greatest = 1;
  ChartBars errors{.name = "errors", .ink = ChartInk::alarm};
  for (const SeriesRow& row : rows) {
    greatest = std::max({greatest, row.counts.done, row.counts.sent, failures(row)});
    if (failures(row) > 0) {
      errors.bars.push_back(
          {row.second + 0.15 * width, row.second + 0.85 * width, number(failures(row))});
    }
  }
  chart.y = linear_axis(std::string(operations_of(result.mode)) + " a second",
                        1.02 * number(greatest), 5, count_text);
  chart.curves.push_back(curve_of("done", ChartInk::leading, rows, width / 2,
                                  [](const SeriesRow& row) { return number(row.counts.done); }));
  chart.curves.back().is_filled = true;
  chart.curves.push_back(curve_of("begun", ChartInk::second, rows, width / 2,
                                  [](const SeriesRow& row) { return number(row.counts.sent); }));
  if (!errors.bars.empty()) chart.bars.push_back(std::move(errors));
  return chart;
}

std::optional<Chart> latency_series_chart(const BenchResult& result) {
  if (result.latency().count() == 0 || result.series.empty()) return std::nullopt;
  std::vector<SeriesRow> rows = drawn_series(result);
  const double middle = seconds_of_a_row(result) / 2;
  Chart chart = series_chart(result, rows);
  chart.id = "latency-series";
  chart.title = "Latency over time";
  chart.description = "The median, the 99th percentile and the greatest latency of each second.";
  Range range;
  std::erase_if(rows, [](const SeriesRow& row) { return row.max == 0; });
  for (const SeriesRow& row : rows) {
    range.take(row.p50);
    range.take(row.max);
  }
  chart.y = latency_axis(rows.empty() ? 1 : range.least, range.greatest);
  const auto add = [&](std::string name, ChartInk ink, std::uint64_t SeriesRow::*value) {
    chart.curves.push_back(
        curve_of(std::move(name), ink, rows, middle,
                 [value](const SeriesRow& row) { return log_position(number(row.*value)); }));
  };
  add("max", ChartInk::third, &SeriesRow::max);
  add("p99", ChartInk::second, &SeriesRow::p99);
  add("p50", ChartInk::leading, &SeriesRow::p50);
  return chart;
}

}  // namespace fairlead
