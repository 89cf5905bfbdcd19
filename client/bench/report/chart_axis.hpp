// The axis of a chart: its range and its named values.
#pragma once

#include <functional>
#include <string>
#include <vector>

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

// From 0 to `greatest` or a little more, with about `ticks` round values.
ChartAxis linear_axis(std::string label, double greatest, int ticks, const ValueText& text);

// For values >= 1, from a round value (1, 2, 5, 10, ...) that is not above `least` to one that is
// not below `greatest`, and above the first. Its positions are log_position(value).
ChartAxis logarithmic_axis(std::string label, double least, double greatest, const ValueText& text);
double log_position(double value);  // values below 1 stand at 1

// Shares from 0 to all but one of `samples`, so that each further digit 9 takes the same room, as
// in plots of HdrHistogram. A share stands at -log10(1 - share).
ChartAxis percentile_axis(std::string label, double samples);
double percentile_at(double position);

}  // namespace fairlead
