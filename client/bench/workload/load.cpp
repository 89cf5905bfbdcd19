#include "client/bench/workload/load.hpp"

#include <array>

namespace fairlead {

std::string_view name_of(BenchMode mode) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"reply", "conn", "greet", "file", "idle"};
  return kNames[static_cast<std::size_t>(mode)];
}

}  // namespace fairlead
