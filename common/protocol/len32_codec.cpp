#include "common/protocol/len32_codec.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

Codec::Parsed Len32Codec::parse(Bytes in, More, FrameSink& sink) {
  std::size_t at = 0;
  while (in.size() - at >= kLengthBytes) {
    const std::uint32_t length = read_big_endian_32(in.data() + at);
    if (length > message_bytes_max_) {
      return {at, DecodeResult::failed(CloseReason::message_too_big, "length above max_message")};
    }
    if (in.size() - at - kLengthBytes < length) break;
    const Frame frame{.payload = in.substr(at + kLengthBytes, length)};
    at += kLengthBytes + length;
    if (sink.on_frame(frame) == Flow::stop) return {at, DecodeResult::stopped()};
  }
  return {at, {}};
}

void Len32Codec::encode(const Frame& frame, ByteSink& out) const {
  const auto length = big_endian_32(static_cast<std::uint32_t>(frame.payload.size()));
  out.send({length.data(), length.size()});
  out.send(frame.payload);
}

}  // namespace fairlead
