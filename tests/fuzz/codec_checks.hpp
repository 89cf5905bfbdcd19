// What the fuzzers of the two binary protocols check in the same way.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.hpp"
#include "common/protocol/codec.hpp"
#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {

using MakeCodec = std::function<std::unique_ptr<Codec>(BufferPool& pool)>;

inline Decoded decode_with(const MakeCodec& make, const std::vector<Bytes>& pieces,
                           std::size_t stop_every = 0) {
  BufferPool pool;
  const auto codec = make(pool);
  return decode_pieces(*codec, pieces, stop_every);
}

// Every split of the stream, with and without stops, comes to what the reference says.
inline void check_splits(const MakeCodec& make, Bytes stream, std::uint16_t seed,
                         const Decoded& expected) {
  std::mt19937 random(seed);
  FAIRLEAD_CHECK(decode_with(make, {stream}) == expected);
  FAIRLEAD_CHECK(decode_with(make, byte_by_byte(stream)) == expected);
  FAIRLEAD_CHECK(decode_with(make, split_at_random(stream, random), seed % 5) == expected);
}

// What is kept is sized by what has arrived, whatever a length says, and is nothing after an error.
inline void check_memory(const MakeCodec& make, Bytes stream, std::uint16_t seed) {
  std::mt19937 random(seed);
  BufferPool pool;
  const auto codec = make(pool);
  Recorder recorder;
  std::size_t arrived = 0;
  for (const Bytes piece : split_at_random(stream, random)) {
    const DecodeResult result = codec->feed(piece, recorder);
    arrived += piece.size();
    FAIRLEAD_CHECK(codec->kept_bytes() <= arrived);
    FAIRLEAD_CHECK(pool.bytes_in_use() <= std::max(BufferPool::kSmallest, 9 * arrived));
    if (result.status != DecodeResult::Status::failed) continue;
    FAIRLEAD_CHECK(pool.bytes_in_use() == 0);
    return;
  }
}

// What the codec writes it also reads.
inline void check_round_trip(const MakeCodec& make, std::string start, const Decoded& decoded) {
  BufferPool pool;
  const auto codec = make(pool);
  std::string stream = std::move(start);
  for (const Heard& frame : decoded.heard) stream += encoded(*codec, frame);
  const Decoded again = decode_with(make, {stream});
  FAIRLEAD_CHECK(again.heard == decoded.heard);
  FAIRLEAD_CHECK(again.reason == CloseReason::none);
}

}  // namespace fairlead
