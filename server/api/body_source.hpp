// A reply that is too long to be queued: its connection pulls it, piece by piece, whenever there is
// room, so that no service offers, waits or retries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/file_part.hpp"

namespace fairlead {

// Made by a service, owned by the channel it was given to, used on the shard's thread. It is
// destroyed when it is over, or when its channel closes.
class BodySource {
 public:
  virtual ~BodySource() = default;

  enum class State : std::uint8_t {
    ready,  // there is a piece
    later,  // there is none yet: Peer::call_when_writable says when to ask again
    over,   // the source has given the answer, or ended its peer
  };
  // Either bytes, or, where its size is not 0, a part of a file that the kernel reads itself.
  struct Piece {
    State state = State::over;
    Bytes bytes = {};
    FilePart file = {};
  };
  // bytes: the connection cannot send a part of a file.
  enum class Means : std::uint8_t { any, bytes };

  // The piece at the present place. Asked again, it is the same piece, or another one from the same
  // place on. The bytes live until the next call into any source of the service.
  virtual Piece next(Means means) = 0;

  // So many bytes of the last piece are on their way: the place moves on. over: that was all, and
  // the answer has been given.
  virtual State advance(std::size_t bytes) = 0;
};

}  // namespace fairlead
