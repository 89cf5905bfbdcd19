// text: raw bytes as plain sockets, nc and telnet send them. The `boundary` of the service says
// where a message ends:
//
// clang-format off
//   line   LF or CRLF; the reply ends as the request did
//   chunk  each delivery, cut into pieces of at most `chunk` bytes (the tutorials' recv(1024))
//   auto   a newline; without one, a pause of `pause`, the end of the stream, or `chunk` bytes
// clang-format on
//
// A message is never empty, and no character is cut while its rest may still come.
#pragma once

#include "common/protocol/codec.hpp"
#include "common/protocol/text_settings.hpp"
#include "common/text/client_encoding.hpp"

namespace fairlead {

class TextCodec final : public Codec {
 public:
  // The settings are the service's and outlive the session; the encoding is the session's and
  // outlives the codec.
  TextCodec(BufferPool& pool, const TextSettings& settings, const ClientEncoding& encoding,
            std::uint32_t message_bytes_max)
      : Codec(pool),
        settings_(settings),
        encoding_(encoding),
        message_bytes_max_(message_bytes_max) {}

  void encode(const Frame& frame, ByteSink& out) const override;
  std::uint32_t message_bytes_max() const noexcept override { return message_bytes_max_; }

 private:
  Parsed parse(Bytes in, More more, FrameSink& sink) override;
  Parsed parse_lines(Bytes in, More more, FrameSink& sink);
  Parsed parse_chunks(Bytes in, More more, FrameSink& sink);
  Parsed parse_auto(Bytes in, More more, FrameSink& sink);
  bool pause_matters() const noexcept override { return settings_.boundary != Boundary::line; }

  const TextSettings& settings_;
  const ClientEncoding& encoding_;
  std::uint32_t message_bytes_max_;
  std::uint32_t searched_bytes_ = 0;  // of the incomplete line: these hold no LF
};

}  // namespace fairlead
