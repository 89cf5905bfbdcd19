// The ends of messages of plain-text clients (docs/protocol.md, Text).
#pragma once

#include <cstdint>

#include "common/base/time.hpp"

namespace fairlead {

enum class Boundary : std::uint8_t { line, chunk, automatic };

struct TextSettings {
  Boundary boundary = Boundary::automatic;
  std::uint32_t chunk = 1024;  // bytes, >= 4: the longest message of `chunk` and `auto`
  Duration pause{20};          // ends a message of `auto`, and the wait for the rest of a character

  bool operator==(const TextSettings&) const = default;
};

}  // namespace fairlead
