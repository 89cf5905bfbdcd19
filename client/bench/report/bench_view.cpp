#include "client/bench/report/bench_view.hpp"

#include <array>

namespace fairlead {

std::string_view name_of(BenchProgress::Phase phase) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"opening", "warm-up", "running", "finishing"};
  return kNames[static_cast<std::size_t>(phase)];
}

}  // namespace fairlead
