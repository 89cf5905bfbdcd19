#include "common/protocol/framed_codec.hpp"

#include <algorithm>

namespace fairlead {
namespace {

// Types from here on belong to extensions, which a peer may ignore.
constexpr std::uint8_t kSkippableFrom = 0x80;

DecodeResult malformed(const char* problem) {
  return DecodeResult::failed(CloseReason::protocol_error, problem);
}

// Checks a header by itself, before its payload has arrived.
DecodeResult check_header(std::uint32_t length, std::uint8_t type, std::uint8_t flags,
                          std::uint32_t payload_bytes_max) {
  if (length > payload_bytes_max) return malformed("frame above the size limit");
  if (type >= kSkippableFrom) return {};
  if (find_frame_kind(type) == nullptr) return malformed("unknown frame type");
  if (flags != 0) return malformed("reserved frame flag");
  return {};
}

}  // namespace

Codec::Parsed FramedCodec::parse(Bytes in, More, FrameSink& sink) {
  skip(place_.skip_bytes > in.size() ? Skipping::on : Skipping::nothing);
  std::size_t at = 0;
  if (!place_.preface_seen) {
    const std::size_t common = std::min(in.size(), kPreface.size());
    if (in.substr(0, common) != kPreface.substr(0, common)) return {0, malformed("bad preface")};
    if (common < kPreface.size()) return {0, {}};
    place_.preface_seen = true;
    at = kPreface.size();
  }
  for (;;) {
    const std::size_t skipped = std::min<std::size_t>(place_.skip_bytes, in.size() - at);
    place_.skip_bytes -= static_cast<std::uint32_t>(skipped);
    at += skipped;
    if (in.size() - at < kFrameHeaderBytes) return {at, {}};

    const char* header = in.data() + at;
    const std::uint32_t length = read_big_endian_32(header);
    const std::uint8_t type = octet(header[4]);
    if (const DecodeResult verdict =
            check_header(length, type, octet(header[5]), payload_bytes_max_);
        verdict.status == DecodeResult::Status::failed) {
      return {at, verdict};
    }
    if (type >= kSkippableFrom) {
      place_.skip_bytes = length;
      at += kFrameHeaderBytes;
      if (in.size() - at < length) skip(Skipping::begun);
      continue;
    }
    if (in.size() - at - kFrameHeaderBytes < length) return {at, {}};

    const Frame frame{.type = static_cast<FrameType>(type),
                      .channel = read_big_endian_16(header + 6),
                      .request_id = read_big_endian_32(header + 8),
                      .payload = in.substr(at + kFrameHeaderBytes, length)};
    at += kFrameHeaderBytes + length;
    if (sink.on_frame(frame) == Flow::stop) return {at, DecodeResult::stopped()};
  }
}

void FramedCodec::encode(const Frame& frame, ByteSink& out) const {
  const auto header = frame_header(frame);
  out.send({header.data(), header.size()});
  if (!frame.payload.empty()) out.send(frame.payload);
}

}  // namespace fairlead
