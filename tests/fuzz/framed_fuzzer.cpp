// FramedCodec: two bytes seed the splits, one chooses the size limit and whether the preface is put
// in front; the rest is the stream.
#include "common/protocol/file_frames.hpp"
#include "common/protocol/framed_codec.hpp"
#include "tests/fuzz/codec_checks.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

// The frame table of docs/protocol.md for a stream that is there as a whole.
Decoded by_the_table(Bytes stream, std::uint32_t payload_bytes_max) {
  Decoded decoded;
  const auto failed = [&decoded](const char* problem) {
    decoded.reason = CloseReason::protocol_error;
    decoded.problem = problem;
    return decoded;
  };
  for (std::size_t i = 0; i < kPreface.size(); ++i) {
    if (i == stream.size()) return decoded;
    if (stream[i] != kPreface[i]) return failed("bad preface");
  }
  stream.remove_prefix(kPreface.size());
  while (stream.size() >= kFrameHeaderBytes) {
    const std::uint32_t length = read_big_endian_32(stream.data());
    const std::uint8_t type = octet(stream[4]);
    if (length > payload_bytes_max) return failed("frame above the size limit");
    const bool is_known = (type >= 0x01 && type <= 0x0a) || (type >= 0x20 && type <= 0x29);
    if (type < 0x80 && !is_known) return failed("unknown frame type");
    if (type < 0x80 && stream[5] != 0) return failed("reserved frame flag");
    if (stream.size() - kFrameHeaderBytes < length) break;
    if (type < 0x80) {
      decoded.heard.push_back({.type = static_cast<FrameType>(type),
                               .channel = read_big_endian_16(stream.data() + 6),
                               .request_id = read_big_endian_32(stream.data() + 8),
                               .payload = std::string(stream.substr(kFrameHeaderBytes, length))});
    }
    stream.remove_prefix(kFrameHeaderBytes + length);
  }
  return decoded;
}

// What is taken from a payload is all that is in it.
template <class Payload>
void check_payload(Bytes payload) {
  const auto value = read_payload<Payload>(payload);
  if (!value) return;
  std::string again;
  append_payload(again, *value);
  FAIRLEAD_CHECK(again == payload);
}

void check_file_frame(const Heard& frame) {
  switch (frame.type) {
    case FrameType::status:
      return check_payload<FileStatus>(frame.payload);
    case FrameType::list:
      return check_payload<ListRequest>(frame.payload);
    case FrameType::get:
      return check_payload<GetRequest>(frame.payload);
    case FrameType::begin:
      return check_payload<FileBegin>(frame.payload);
    case FrameType::end:
      return check_payload<FileEnd>(frame.payload);
    case FrameType::hash:
      return check_payload<HashRequest>(frame.payload);
    case FrameType::hashes:
      return check_payload<FileHashes>(frame.payload);
    case FrameType::listing:  // any number but 0 says that more follow
      static_cast<void>(read_payload<FileListing>(frame.payload));
      return;
    default:
      return;
  }
}

void check(FuzzInput input) {
  const std::uint16_t seed = input.two_bytes();
  const std::uint8_t choice = input.byte();
  const std::uint32_t payload_bytes_max = (choice & 1) != 0 ? 64 : (1U << 24) - 1;
  const bool with_preface = (choice & 2) != 0;
  const std::string stream = std::string(with_preface ? kPreface : Bytes()).append(input.rest());

  const MakeCodec make = [payload_bytes_max](BufferPool& pool) {
    return std::make_unique<FramedCodec>(pool, payload_bytes_max);
  };
  const Decoded expected = by_the_table(stream, payload_bytes_max);
  check_splits(make, stream, seed, expected);
  check_memory(make, stream, seed);
  check_round_trip(make, std::string(kPreface), expected);
  for (const Heard& frame : expected.heard) check_file_frame(frame);
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::check(fairlead::FuzzInput(data, size));
  return 0;
}
