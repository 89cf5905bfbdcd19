// Len32Codec: two bytes seed the splits, one chooses the size limit; the rest is the stream.
#include "common/protocol/len32_codec.hpp"
#include "tests/fuzz/codec_checks.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

Decoded by_definition(Bytes stream, std::uint32_t message_bytes_max) {
  Decoded decoded;
  while (stream.size() >= 4) {
    const std::uint32_t length = read_big_endian_32(stream.data());
    if (length > message_bytes_max) {
      decoded.reason = CloseReason::message_too_big;
      decoded.problem = "length above max_message";
      break;
    }
    if (stream.size() - 4 < length) break;
    decoded.heard.push_back({.payload = std::string(stream.substr(4, length))});
    stream.remove_prefix(4 + length);
  }
  return decoded;
}

void check(FuzzInput input) {
  const std::uint16_t seed = input.two_bytes();
  const std::uint32_t message_bytes_max = (input.byte() & 1) != 0 ? 64 : (1U << 24) - 1;
  const MakeCodec make = [message_bytes_max](BufferPool& pool) {
    return std::make_unique<Len32Codec>(pool, message_bytes_max);
  };
  const Decoded expected = by_definition(input.rest(), message_bytes_max);
  check_splits(make, input.rest(), seed, expected);
  check_memory(make, input.rest(), seed);
  check_round_trip(make, {}, expected);
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::check(fairlead::FuzzInput(data, size));
  return 0;
}
