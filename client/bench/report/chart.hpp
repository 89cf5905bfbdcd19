// A chart of a load test as positions and texts; page.html.in draws it as static SVG.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/report/chart_axis.hpp"

namespace fairlead {

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
  std::string_view look = "note";
  std::string text = {};  // shown while the pointer rests on it
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
  std::vector<ChartBox> notes = {};  // in front of the curves, as high as the chart
};

}  // namespace fairlead
