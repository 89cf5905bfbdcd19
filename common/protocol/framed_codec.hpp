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

 private:
  Parsed parse(Bytes in, More more, FrameSink& sink) override;

  std::uint32_t payload_bytes_max_;
  std::uint32_t skip_bytes_ = 0;  // the rest of a frame that is skipped
  bool preface_seen_ = false;
};

}  // namespace fairlead
