// One plain-text client for the tests: its codec, and the encoding that its messages decide.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/protocol/text_codec.hpp"
#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {

struct TextOptions {
  Boundary boundary = Boundary::automatic;
  std::uint32_t chunk = 1024;
  std::uint32_t message_bytes_max = 1024 * 1024;
  EncodingSettings encoding = {};
};

// Takes each message into account for the client's encoding, as a session does.
class TextClient final : public FrameSink {
 public:
  explicit TextClient(const TextOptions& options = {}, std::size_t stop_every = 0)
      : encoding_settings_(options.encoding),
        settings_{.boundary = options.boundary, .chunk = options.chunk, .pause = Duration(20)},
        encoding_(encoding_settings_),
        recorder_(stop_every),
        codec_(pool, settings_, encoding_, options.message_bytes_max) {}

  Flow on_frame(const Frame& frame) override {
    encoding_.observe(frame.payload);
    return recorder_.on_frame(frame);
  }

  // Each hands back the messages that it brought, and goes on after every stop.
  std::vector<Heard> feed(Bytes bytes) { return taken(codec_.feed(bytes, *this)); }
  std::vector<Heard> pause() { return taken(codec_.on_pause(*this)); }
  std::vector<Heard> end() {
    DecodeResult result = codec_.on_end(*this);
    while (result.status == DecodeResult::Status::stopped) result = codec_.on_end(*this);
    return finished(result);
  }

  // The whole stream and its end. What follows a failure is not fed.
  Decoded decode(const std::vector<Bytes>& pieces) {
    Decoded decoded;
    const auto add = [&decoded](std::vector<Heard> more) {
      std::move(more.begin(), more.end(), std::back_inserter(decoded.heard));
    };
    for (const Bytes piece : pieces) {
      add(feed(piece));
      if (reason != CloseReason::none) break;
    }
    if (reason == CloseReason::none) add(end());
    decoded.reason = reason;
    decoded.problem = problem;
    return decoded;
  }

  TextCodec& codec() { return codec_; }

  BufferPool pool;
  CloseReason reason = CloseReason::none;  // of a failure
  std::string problem;

 private:
  std::vector<Heard> taken(DecodeResult result) {
    while (result.status == DecodeResult::Status::stopped) result = codec_.feed({}, *this);
    return finished(result);
  }

  std::vector<Heard> finished(const DecodeResult& result) {
    reason = result.reason;
    problem = result.problem;
    return std::exchange(recorder_.heard, {});
  }

  EncodingSettings encoding_settings_;
  TextSettings settings_;
  ClientEncoding encoding_;
  Recorder recorder_;
  TextCodec codec_;
};

inline std::string joined(const std::vector<Heard>& heard) {
  std::string all;
  for (const Heard& message : heard) all += message.payload;
  return all;
}

inline std::string gbk(std::string_view utf8) {
  std::string out;
  append_encoded(out, utf8, Encoding::gbk);
  return out;
}

}  // namespace fairlead
