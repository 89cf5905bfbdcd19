#include "client/bench/report/sparkline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace fairlead {

std::string sparkline(const std::deque<double>& values, std::size_t columns, bool ascii) {
  constexpr std::array<std::string_view, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> kAscii{"_", ".", "-", ":", "=", "+", "*", "#"};
  const std::size_t shown = std::min(columns, values.size());
  const auto from = values.end() - static_cast<std::ptrdiff_t>(shown);
  const double greatest = shown == 0 ? 0 : *std::max_element(from, values.end());
  std::string out;
  for (auto value = from; value != values.end(); ++value) {
    const double level = greatest > 0 ? std::round(*value / greatest * 7) : 0;
    out += (ascii ? kAscii : kBars)[static_cast<std::size_t>(level)];
  }
  return out;
}

}  // namespace fairlead
