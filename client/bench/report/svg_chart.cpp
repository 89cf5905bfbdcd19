#include "client/bench/report/svg_chart.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "client/bench/report/html_text.hpp"

namespace fairlead {
namespace {

// In units of the drawing, which is scaled to the page.
constexpr double kWidth = 820, kHeight = 300;
constexpr double kLeft = 68, kRight = 796, kTop = 34, kBottom = 258;
constexpr double kBarHeightMin = 3;

constexpr std::array<std::string_view, 4> kInks{"leading", "second", "third", "alarm"};

std::string_view name_of(ChartInk ink) { return kInks[static_cast<std::size_t>(ink)]; }

// A tenth is finer than anybody sees.
std::string number(double value) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1);
  return {text.data(), end.ptr};
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string attribute(std::string_view name, double value) {
  return attribute(name, number(value));
}

std::string text_at(double x, double y, std::string_view kind, std::string_view text) {
  return "<text" + attribute("x", x) + attribute("y", y) + attribute("class", kind) + ">" +
         html_amount(text) + "</text>";
}

std::string line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) +
         attribute("y2", y2) + attribute("class", kind) + "/>";
}

// Between edges as they are written, so that no gap is left to a neighbour. `title`: a <title>
// element or nothing.
std::string box(double from, double to, double top, std::string_view kind,
                const std::string& title) {
  const double width = std::round(to * 10) / 10 - std::round(from * 10) / 10;
  return "<rect" + attribute("x", from) + attribute("y", top) +
         attribute("width", std::max(width, 0.5)) + attribute("height", kBottom - top) +
         attribute("class", kind) + ">" + title + "</rect>";
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {}

  std::string whole() const {
    std::string out =
        "<svg" + attribute("viewBox", "0 0 " + number(kWidth) + " " + number(kHeight)) +
        attribute("role", "img") +
        attribute("aria-labelledby", chart_.id + "-title " + chart_.id + "-desc") + ">\n<title" +
        attribute("id", chart_.id + "-title") + ">" + html(chart_.title) + "</title><desc" +
        attribute("id", chart_.id + "-desc") + ">" + html_amount(chart_.description) + "</desc>\n";
    return out + axes() + band() + bars() + curves() + legend() + notes() + "</svg>\n";
  }

 private:
  double across(double x) const { return between(chart_.x, x, kLeft, kRight); }
  double above(double y) const { return between(chart_.y, y, kBottom, kTop); }

  static double between(const ChartAxis& axis, double at, double low, double high) {
    const double share = std::clamp((at - axis.from) / (axis.to - axis.from), 0.0, 1.0);
    return low + share * (high - low);
  }

  std::string axes() const {
    std::string out;
    for (const ChartAxis::Tick& tick : chart_.y.ticks) {
      out += line(kLeft, above(tick.at), kRight, above(tick.at),
                  tick.label.empty() ? "faint grid" : "grid");
      out += text_at(kLeft - 8, above(tick.at) + 4, "y-tick", tick.label);
    }
    for (const ChartAxis::Tick& tick : chart_.x.ticks) {
      out += line(across(tick.at), kBottom, across(tick.at), kBottom + 5, "axis");
      out += text_at(across(tick.at), kBottom + 19, "x-tick", tick.label);
    }
    return out + line(kLeft, kBottom, kRight, kBottom, "axis") +
           text_at(kLeft - 60, 16, "axis-name", chart_.y.label) +
           text_at(kRight, kHeight - 4, "axis-name to-end", chart_.x.label) + "\n";
  }

  std::string band() const {
    const ChartNote& band = chart_.band;
    if (band.text.empty()) return "";
    return box(across(band.from), across(band.to), kTop, "band", "") +
           text_at(across(band.from) + 6, kTop + 14, "band-name", band.text) + "\n";
  }

  std::string bars() const {
    std::string out;
    for (const ChartBars& bars : chart_.bars) {
      const std::string kind = "bar " + std::string(name_of(bars.ink));
      for (const ChartBars::Bar& bar : bars.bars) {
        out += box(across(bar.from), across(bar.to),
                   std::min(above(bar.y), kBottom - kBarHeightMin), kind, "");
      }
      out += "\n";
    }
    return out;
  }

  std::string curves() const {
    std::string out;
    for (const ChartCurve& curve : chart_.curves) {
      if (curve.points.empty()) continue;
      std::string points;
      for (const ChartCurve::Point& point : curve.points) {
        points +=
            (points.empty() ? "" : " ") + number(across(point.x)) + "," + number(above(point.y));
      }
      const std::string ink(name_of(curve.ink));
      if (curve.is_filled) {
        const std::string down = " " + number(across(curve.points.back().x)) + "," +
                                 number(kBottom) + " " + number(across(curve.points.front().x)) +
                                 "," + number(kBottom);
        out += "<polygon" + attribute("points", points + down) + attribute("class", "area " + ink) +
               "/>";
      }
      out +=
          "<polyline" + attribute("points", points) + attribute("class", "curve " + ink) + "/>\n";
    }
    return out;
  }

  // From the right, above the plot: what each ink is.
  std::string legend() const {
    constexpr double kLetter = 7, kSample = 26, kGap = 18;
    std::string out;
    double right = kRight;
    const auto add = [&](const std::string& name, const std::string& kind, bool is_bar) {
      right -= kLetter * static_cast<double>(name.size());
      out += text_at(right, 16, "legend", name);
      right -= kSample + 6;
      out += is_bar ? "<rect" + attribute("x", right + 13) + attribute("y", 7) +
                          attribute("width", 13) + attribute("height", 10) +
                          attribute("class", "bar " + kind) + "/>"
                    : line(right, 12, right + kSample, 12, "curve " + kind);
      right -= kGap;
    };
    for (auto curve = chart_.curves.rbegin(); curve != chart_.curves.rend(); ++curve)
      add(curve->name, std::string(name_of(curve->ink)), false);
    for (auto bars = chart_.bars.rbegin(); bars != chart_.bars.rend(); ++bars)
      add(bars->name, std::string(name_of(bars->ink)), true);
    return out + "\n";
  }

  std::string notes() const {
    std::string out;
    for (const ChartNote& note : chart_.notes) {
      out += box(across(note.from), across(note.to), kTop, "note",
                 "<title>" + html_amount(note.text) + "</title>");
    }
    return out;
  }

  const Chart& chart_;
};

}  // namespace

std::string svg_chart(const Chart& chart) { return Drawing(chart).whole(); }

}  // namespace fairlead
