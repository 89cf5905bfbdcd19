#include "common/log/log_sink.hpp"

#include <array>
#include <cstddef>

namespace fairlead {

namespace {

constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info",
                                                    "warn",  "error", "off"};

}  // namespace

std::string_view name_of(Level level) noexcept { return kNames[static_cast<std::size_t>(level)]; }

std::optional<Level> level_named(std::string_view name) noexcept {
  for (std::size_t index = 0; index < kNames.size(); ++index) {
    if (kNames[index] == name) return static_cast<Level>(index);
  }
  return std::nullopt;
}

}  // namespace fairlead
