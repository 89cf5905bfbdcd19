#include "client/bench/report/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fairlead {
namespace {

// "10.0 ms" is "10 ms" beside an axis.
std::string short_text(std::string text) {
  const std::size_t point = text.find('.');
  const std::size_t end = std::min(text.find_first_not_of(".0123456789"), text.size());
  if (point < end && text.find_first_not_of('0', point + 1) >= end) text.erase(point, end - point);
  return text;
}

}  // namespace

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
