// len32: a 4-byte big-endian length, then that many bytes; replies likewise. For the simplest
// clients.
#pragma once

#include "common/protocol/codec.hpp"

namespace fairlead {

class Len32Codec final : public Codec {
 public:
  Len32Codec(BufferPool& pool, std::uint32_t message_bytes_max)
      : Codec(pool), message_bytes_max_(message_bytes_max) {}

  void encode(const Frame& frame, ByteSink& out) const override;
  std::uint32_t message_bytes_max() const noexcept override { return message_bytes_max_; }

 private:
  Parsed parse(Bytes in, More more, FrameSink& sink) override;

  std::uint32_t message_bytes_max_;
};

}  // namespace fairlead
