// Detects the protocol of a client of an `auto` listener, at the earliest byte possible.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"

namespace fairlead {

enum class Detected : std::uint8_t {
  undecided,  // a proper prefix of a mark below; text after `pause` or at the end of the stream
  text,
  len32,   // 00
  framed,  // FF 'F' 'L' 'D'
  tls,     // 16 03: a ClientHello
};

// `first` is all input so far. The result is undecided for three bytes at most.
Detected detect(Bytes first) noexcept;

}  // namespace fairlead
