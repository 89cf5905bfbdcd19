// Protocol text, read from the client's end: where a reply of a plain server is complete.
//   line   at LF or CRLF
//   auto   at LF or CRLF, or after a silence of `quiet` once its first byte has come
//   none   never: every delivery is handed out as it comes, a long one in pieces
//   silence  after a silence of `quiet` once its first byte has come, and nowhere else
// and with `until`, whatever the boundary, at that text and nowhere else; with `end`, where that
// says, or after the silence of `silence`. The end of the stream
// completes what has come. The server's rules (common/protocol/text_codec.hpp) differ: a reply may
// be an empty line, and has no `chunk`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/time.hpp"
#include "common/protocol/codec.hpp"
#include "common/text/client_encoding.hpp"

namespace fairlead {

// Where a reply is complete; see above.
enum class ReplyBoundary : std::uint8_t { line, automatic, none, silence };

// A rule for the end of a reply, of a caller that knows what is spoken. Constant, and called on the
// thread of its connection.
class ReplyEnd {
 public:
  virtual ~ReplyEnd() = default;

  // How many bytes at the front of `in` are the first reply; 0: its end has not come. In the first
  // `searched` bytes it had not come when this was asked before.
  virtual std::size_t reply_bytes(Bytes in, std::size_t searched) const = 0;
};

// How replies of a plain server end.
struct ReplySettings {
  ReplyBoundary boundary = ReplyBoundary::automatic;
  Duration quiet{200};     // > 0; the silence that ends a reply
  std::string until = {};  // bytes, in the server's encoding; part of the reply that it ends
  std::shared_ptr<const ReplyEnd> end = {};
};

// Turns the stream of a plain server into frames of type message on channel 0. With
// ReplyBoundary::none, no character is torn while its rest may still come.
class ReplyCodec final : public Codec {
 public:
  // Settings and encoding outlive the codec. `message_bytes_max` is at least 4, a whole character.
  ReplyCodec(BufferPool& pool, const ReplySettings& settings, const ClientEncoding& encoding,
             std::uint32_t message_bytes_max)
      : Codec(pool),
        settings_(settings),
        encoding_(encoding),
        message_bytes_max_(message_bytes_max) {}

  std::uint32_t message_bytes_max() const noexcept override { return message_bytes_max_; }

  // Writes the payload and the line end of `frame`.
  void encode(const Frame& frame, ByteSink& out) const override;

 private:
  struct Cut {
    Frame frame;
    std::size_t size = 0;  // 0: the reply is not complete
  };

  Parsed parse(Bytes in, More more, FrameSink& sink) override;
  Cut first_reply(Bytes in, More more);
  Cut first_line(Bytes in);
  Cut up_to_until(Bytes in);
  Cut up_to_end(Bytes in);
  Cut whole_characters(Bytes in, More more) const;
  bool is_above_limit(Bytes unfinished) const;
  bool pause_matters() const noexcept override {
    if (settings_.boundary == ReplyBoundary::silence) return true;
    return settings_.boundary == ReplyBoundary::automatic && settings_.until.empty() &&
           !settings_.end;
  }

  const ReplySettings& settings_;
  const ClientEncoding& encoding_;
  std::uint32_t message_bytes_max_;
  std::size_t searched_bytes_ =
      0;  // of the unfinished reply: its end does not begin in these bytes
};

}  // namespace fairlead
