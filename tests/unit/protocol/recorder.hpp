// What the tests of the codecs share: a sink that remembers, and ways to feed a stream in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "common/protocol/codec.hpp"

namespace fairlead {

// A frame with a payload of its own.
struct Heard {
  FrameType type = FrameType::message;
  LineEnd line_end = LineEnd::none;
  std::uint16_t channel = 0;
  std::uint32_t request_id = 0;
  std::string payload = {};

  bool operator==(const Heard&) const = default;
};

inline void PrintTo(const Heard& heard, std::ostream* out) {
  *out << "{type " << static_cast<int>(heard.type) << ", end " << static_cast<int>(heard.line_end)
       << ", channel " << heard.channel << ", id " << heard.request_id << ", "
       << heard.payload.size() << " bytes \"" << heard.payload.substr(0, 80) << "\"}";
}

// A plain client's message.
inline Heard said(std::string payload, LineEnd end = LineEnd::none) {
  return {.line_end = end, .payload = std::move(payload)};
}

class Recorder final : public FrameSink {
 public:
  // Answers `stop` to every stop_every-th frame; 0: never.
  explicit Recorder(std::size_t stop_every = 0) : stop_every_(stop_every) {}

  Flow on_frame(const Frame& frame) override {
    heard.push_back(
        {frame.type, frame.line_end, frame.channel, frame.request_id, std::string(frame.payload)});
    return stop_every_ != 0 && heard.size() % stop_every_ == 0 ? Flow::stop : Flow::proceed;
  }

  std::vector<Heard> heard;

 private:
  std::size_t stop_every_;
};

class Written final : public ByteSink {
 public:
  void send(Bytes sent) override { bytes += sent; }

  std::string bytes;
};

inline std::string encoded(const Codec& codec, const Heard& heard) {
  Written written;
  codec.encode({.type = heard.type,
                .line_end = heard.line_end,
                .channel = heard.channel,
                .request_id = heard.request_id,
                .payload = heard.payload},
               written);
  return written.bytes;
}

// What one stream came to.
struct Decoded {
  std::vector<Heard> heard;
  CloseReason reason = CloseReason::none;
  std::string problem;

  bool operator==(const Decoded&) const = default;
};

inline void PrintTo(const Decoded& decoded, std::ostream* out) {
  *out << name_of(decoded.reason) << " \"" << decoded.problem << "\"";
  for (const Heard& heard : decoded.heard) {
    *out << "\n  ";
    PrintTo(heard, out);
  }
}

// Feeds `pieces` and then the end of the stream, going on after every stop, as a session does.
inline Decoded decode_pieces(Codec& codec, const std::vector<Bytes>& pieces,
                             std::size_t stop_every = 0) {
  Recorder recorder(stop_every);
  using enum DecodeResult::Status;
  DecodeResult result;
  for (const Bytes piece : pieces) {
    result = codec.feed(piece, recorder);
    while (result.status == stopped) result = codec.feed({}, recorder);
    if (result.status == failed) return {recorder.heard, result.reason, result.problem};
  }
  do result = codec.on_end(recorder);
  while (result.status == stopped);
  return {recorder.heard, result.reason, result.problem};
}

// The stream in pieces of random sizes, short ones more often.
inline std::vector<Bytes> split_at_random(Bytes stream, std::mt19937& random) {
  std::vector<Bytes> pieces;
  const std::size_t longest = std::size_t{1} << std::uniform_int_distribution<int>(0, 9)(random);
  while (!stream.empty()) {
    const std::size_t size =
        std::min(stream.size(), std::uniform_int_distribution<std::size_t>(0, longest)(random));
    pieces.push_back(stream.substr(0, size));
    stream.remove_prefix(size);
  }
  return pieces;
}

inline std::vector<Bytes> byte_by_byte(Bytes stream) {
  std::vector<Bytes> pieces;
  for (std::size_t i = 0; i < stream.size(); ++i) pieces.push_back(stream.substr(i, 1));
  return pieces;
}

}  // namespace fairlead
