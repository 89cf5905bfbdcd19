// framed: Fairlead's own protocol. A preface of 8 bytes, then frames (frame.hpp, docs/protocol.md).
#pragma once

#include "common/protocol/codec.hpp"

namespace fairlead {

// Reads the stream of either side: both begin with the same preface.
class FramedCodec final : public Codec {
 public:
  FramedCodec(BufferPool& pool, std::uint32_t payload_bytes_max)
      : Codec(pool), payload_bytes_max_(payload_bytes_max) {}

  void encode(const Frame& frame, ByteSink& out) const override;
  std::uint32_t message_bytes_max() const noexcept override { return payload_bytes_max_; }

  // Where in the stream it is, beside the bytes that are kept.
  struct Place {
    std::uint32_t skip_bytes = 0;  // the rest of a frame that is skipped
    bool preface_seen = false;
  };
  Place place() const noexcept { return place_; }
  // A codec of before was there.
  void go_on_at(const Place& place) noexcept {
    place_ = place;
    if (place.skip_bytes > 0) skip(Skipping::begun);
  }

 private:
  Parsed parse(Bytes in, More more, FrameSink& sink) override;

  std::uint32_t payload_bytes_max_;
  Place place_;
};

}  // namespace fairlead
