// A chart as inline SVG, which is read without a script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/bench/report/chart_axis.hpp"

namespace fairlead {

// How a curve or bars look, in both themes (page_style.hpp): told apart by colour, dash and width.
enum class ChartInk { leading, second, third, alarm };

struct ChartCurve {
  struct Point {
    double x;  // positions on the axes
    double y;
  };
  std::string name = {};
  ChartInk ink = ChartInk::leading;
  bool is_filled = false;  // down to the axis
  std::vector<Point> points = {};
};

struct ChartBars {
  struct Bar {
    double from;  // positions on the axes
    double to;
    double y;
  };
  std::string name = {};
  ChartInk ink = ChartInk::leading;
  std::vector<Bar> bars = {};  // however low, each can be seen
};

// What is told of a part of the x axis when the pointer rests there.
struct ChartNote {
  double from = 0;
  double to = 0;
  std::string text = {};
};

struct Chart {
  std::string id = {};           // of its elements; letters and hyphens
  std::string title = {};        // for those who cannot see it
  std::string description = {};  // what it shows, in a sentence
  ChartAxis x = {};
  ChartAxis y = {};
  ChartNote band = {};  // a part of the x axis that is shaded; none where its text is empty
  std::vector<ChartBars> bars = {};
  std::vector<ChartCurve> curves = {};
  std::vector<ChartNote> notes = {};
};

std::string svg_chart(const Chart& chart);

}  // namespace fairlead
