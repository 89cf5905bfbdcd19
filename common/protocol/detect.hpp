// Which protocol a client of an `auto` listener speaks, told from its first bytes at the earliest
// one possible.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"

namespace fairlead {

enum class Detected : std::uint8_t {
  undecided,  // a proper prefix of something that is not text; becomes text after `pause` or at the
              // end of the stream
  text,
  len32,   // 00
  framed,  // FF 'F' 'L' 'D'
  tls,     // 16 03: a ClientHello
};

// `first` is all that has arrived. Undecided is answered for at most three bytes (and for none).
Detected detect(Bytes first) noexcept;

}  // namespace fairlead
