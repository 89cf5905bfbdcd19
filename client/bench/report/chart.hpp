// A chart of a load test as positions and texts; page.html.in draws it as static SVG.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/judge/result.hpp"

namespace fairlead {

// Evenly divided; a logarithmic axis has the logarithms of its values.
struct ChartAxis {
  struct Tick {
    double at;
    std::string label;  // empty: a line without a name
  };
  std::string label = {};
  double from = 0;
  double to = 1;  // > from
  std::vector<Tick> ticks = {};
};

using ValueText = std::function<std::string(double value)>;

// From 0 to `max` or a little more, with about `ticks` round values.
ChartAxis linear_axis(std::string label, double max, int ticks, const ValueText& text);

// For values >= 1, from a round value (1, 2, 5, 10, ...) that is not above `min` to one that is
// not below `max`, and above the first. Its positions are log_position(value).
ChartAxis logarithmic_axis(std::string label, double min, double max, const ValueText& text);
double log_position(double value);  // values below 1 stand at 1

// Shares from 0 to all but one of `samples`, so that each further digit 9 takes the same room, as
// in plots of HdrHistogram. A share stands at -log10(1 - share).
ChartAxis percentile_axis(std::string label, double samples);
double percentile_at(double position);

// `look` names classes of page.html.in: "leading", "second", "third" and "alarm" are told apart by
// colour, dash and width.

struct ChartCurve {
  struct Point {
    double x;  // positions on the axes
    double y;
  };
  std::string name = {};
  std::string_view look = "leading";
  bool is_filled = false;  // down to the x axis
  std::vector<Point> points = {};
};

// A rectangle that stands on the x axis.
struct ChartBox {
  double from = 0;  // positions on the axes
  double to = 0;
  double y = std::numeric_limits<double>::infinity();  // its top, within the chart
  std::string_view look = {};
  std::string text = {};  // written at its top; may be empty
};

struct Chart {
  std::string id = {};           // of its elements; letters and hyphens
  std::string title = {};        // for screen readers
  std::string description = {};  // what it shows, in a sentence
  ChartAxis x = {};
  ChartAxis y = {};
  std::vector<ChartBox> boxes = {};  // behind the curves
  std::string boxes_name = {};       // empty: there are no bars among them
  std::vector<ChartCurve> curves = {};
};

// An open loop has two curves: from the intended time and from the time of sending. No chart: no
// latency was measured.
std::optional<Chart> percentile_chart(const BenchResult& result);
std::optional<Chart> histogram_chart(const BenchResult& result);

// A chart over time has at most so many points. In a longer run each stands for several seconds.
inline constexpr std::size_t kSeriesPointsMax = 300;
std::size_t seconds_of_a_point(const BenchResult& result);

// A row for each point: numbers are those of a second, rounded up; latencies and connections are
// those of the worst second.
std::vector<SeriesRow> drawn_series(const BenchResult& result);

std::optional<Chart> rate_chart(const BenchResult& result);
std::optional<Chart> latency_series_chart(const BenchResult& result);

}  // namespace fairlead
