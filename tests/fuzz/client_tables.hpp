// What a server's bytes mean to a client, by the tables of docs/client.md and docs/protocol.md:
// what the fuzzer of the client compares a Connection with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/api/connection.hpp"
#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"
#include "tests/unit/protocol/recorder.hpp"

namespace fairlead {

struct Delivery {
  Bytes bytes;
  bool then_silence = false;
};
using Deliveries = std::vector<Delivery>;

inline Deliveries deliveries_of(const std::vector<Bytes>& pieces) {
  Deliveries result;
  for (const Bytes piece : pieces) result.push_back({piece});
  return result;
}

inline std::string stream_of(const Deliveries& deliveries) {
  std::string stream;
  for (const Delivery& delivery : deliveries) stream += delivery.bytes;
  return stream;
}

enum class Ending : std::uint8_t { end, reset, vanished, ours };

// What a conversation came to.
struct Told {
  std::vector<Heard> frames;
  bool ready = false;
  FailureKind kind = FailureKind::none;
  CloseReason reason = CloseReason::none;
  std::string fragment;
  std::string sent;              // what we said, but for
  std::size_t unsent_bytes = 0;  // behind it, which had not left when it ended

  // Whatever of it had left.
  bool operator==(const Told& other) const {
    const std::string& longer = sent.size() < other.sent.size() ? other.sent : sent;
    const std::string& shorter = sent.size() < other.sent.size() ? sent : other.sent;
    return frames == other.frames && ready == other.ready && kind == other.kind &&
           reason == other.reason && fragment == other.fragment && longer.starts_with(shorter) &&
           sent.size() + unsent_bytes == other.sent.size() + other.unsent_bytes;
  }
};

inline FailureKind kind_of(Ending ending) {
  constexpr FailureKind kKinds[] = {FailureKind::none, FailureKind::reset, FailureKind::vanished,
                                    FailureKind::none};
  return kKinds[static_cast<std::size_t>(ending)];
}

// docs/client.md, where a text reply is complete; not for `none`, which has deliveries.
class TextByTheTable {
 public:
  explicit TextByTheTable(const ConnectionSettings& settings) : settings_(settings) {}

  Told come_to(const Deliveries& deliveries, Ending ending) {
    told_.ready = true;
    const bool silence_ends =
        settings_.reply.boundary == ReplyBoundary::automatic && settings_.reply.until.empty();
    for (const Delivery& delivery : deliveries) {
      rest_ += delivery.bytes;
      take_whole_replies();
      if (delivery.then_silence && silence_ends) take_rest();
    }
    if (ending == Ending::end) take_rest();
    if (told_.kind != FailureKind::none) return told_;
    told_.kind = kind_of(ending);
    if (rest_.size() <= settings_.message_bytes_max) told_.fragment = rest_;
    return told_;
  }

 private:
  void take_whole_replies() {
    const std::string& until = settings_.reply.until;
    const std::string end = until.empty() ? "\n" : until;
    for (std::size_t at; (at = rest_.find(end)) != std::string::npos;) {
      std::string reply = rest_.substr(0, at + end.size());
      rest_.erase(0, reply.size());
      auto line_end = LineEnd::none;
      if (until.empty()) {
        line_end = reply.ends_with("\r\n") ? LineEnd::crlf : LineEnd::lf;
        reply.resize(reply.size() - (line_end == LineEnd::crlf ? 2 : 1));
      }
      if (!take(std::move(reply), line_end)) return;
    }
    const bool may_be_crlf = until.empty() && rest_.ends_with('\r');
    if (rest_.size() - (may_be_crlf ? 1 : 0) > settings_.message_bytes_max)
      told_.kind = FailureKind::too_big;
  }

  void take_rest() {
    if (!rest_.empty()) take(std::exchange(rest_, {}), LineEnd::none);
  }

  bool take(std::string reply, LineEnd line_end) {
    if (reply.size() > settings_.message_bytes_max) told_.kind = FailureKind::too_big;
    if (told_.kind != FailureKind::none) return false;
    told_.frames.push_back(said(std::move(reply), line_end));
    return true;
  }

  const ConnectionSettings& settings_;
  Told told_;
  std::string rest_;
};

// docs/protocol.md: what the frames of a server mean to a client.
class FramesByTheTable {
 public:
  FramesByTheTable() {
    say({.type = FrameType::hello,
         .payload = {"\0\1\x08"
                     "fairlead",
                     11}});
  }

  void take(const Heard& frame) {
    using enum FrameType;
    if (told_.kind != FailureKind::none) return;
    const bool turns_away = frame.type == error || frame.type == goaway;
    const bool is_first_hello = frame.type == hello && !told_.ready;
    if (is_first_hello) {
      told_.ready = read_hello(frame.payload).has_value();
      if (!told_.ready) told_.kind = FailureKind::bad_protocol;
    } else if (frame.type == hello || frame.type == open || (!told_.ready && !turns_away)) {
      told_.kind = FailureKind::bad_protocol;
    } else if (frame.type == ping && frame.payload.size() > kPingBytesMax) {
      told_.kind = FailureKind::bad_protocol;
    } else if (frame.type == ping) {
      say({.type = pong,
           .channel = frame.channel,
           .request_id = frame.request_id,
           .payload = frame.payload});
    } else {
      told_.frames.push_back(frame);
      take_goodbye(frame);
    }
  }

  Told come_to(const DecodeResult& result, bool mid_frame, Ending ending) {
    if (told_.kind != FailureKind::none) return told_;
    if (result.status == DecodeResult::Status::failed) {
      told_.kind = FailureKind::bad_protocol;
    } else if (ending == Ending::end && mid_frame) {
      told_.kind = FailureKind::cut_short;
    } else if (goodbye_ && ending != Ending::ours) {
      told_.kind = FailureKind::turned_away;
      told_.reason = *goodbye_;
    } else {
      told_.kind = kind_of(ending);
    }
    return told_;
  }

 private:
  void say(const Frame& frame) {
    if (told_.sent.empty()) told_.sent = kPreface;
    const auto header = frame_header(frame);
    told_.sent.append(header.data(), header.size()).append(frame.payload);
  }

  void take_goodbye(const Heard& frame) {
    using enum FrameType;
    Bytes payload = frame.payload;
    if (frame.channel != 0 && frame.type != goaway) return;
    if (frame.type == error && frame.request_id != 0) return;
    if (frame.type != error && frame.type != close && frame.type != goaway) return;
    if (frame.type == goaway && payload.size() < 4) return;
    if (frame.type == goaway) payload.remove_prefix(4);
    goodbye_ = read_reason(FailureKind::turned_away, payload).told;
  }

  Told told_;
  std::optional<CloseReason> goodbye_;
};

inline Told binary_by_the_table(const ConnectionSettings& settings, Bytes stream, Ending ending) {
  BufferPool pool;
  Recorder recorder;
  if (settings.protocol == Protocol::framed) {
    FramedCodec codec(pool, settings.message_bytes_max);
    const DecodeResult result = codec.feed(stream, recorder);
    FramesByTheTable table;
    for (const Heard& frame : recorder.heard) table.take(frame);
    return table.come_to(result, codec.mid_message(), ending);
  }
  Len32Codec codec(pool, settings.message_bytes_max);
  Told told{.frames = {}, .ready = true, .kind = kind_of(ending), .fragment = {}, .sent = {}};
  const DecodeResult result = codec.feed(stream, recorder);
  told.frames = recorder.heard;
  if (result.status == DecodeResult::Status::failed) {
    told.kind = FailureKind::too_big;
  } else if (ending == Ending::end && codec.mid_message()) {
    told.kind = FailureKind::cut_short;
  }
  return told;
}

inline Told by_the_tables(const ConnectionSettings& settings, const Deliveries& deliveries,
                          Ending ending) {
  if (settings.protocol == Protocol::text)
    return TextByTheTable(settings).come_to(deliveries, ending);
  return binary_by_the_table(settings, stream_of(deliveries), ending);
}

// With the line ends.
inline std::string bytes_of(const std::vector<Heard>& frames) {
  constexpr std::string_view kEnds[] = {"", "\n", "\r\n"};
  std::string all;
  for (const Heard& frame : frames)
    all += frame.payload + std::string(kEnds[static_cast<std::size_t>(frame.line_end)]);
  return all;
}

// Deliveries instead of replies.
inline bool comes_in_pieces(const ConnectionSettings& settings) {
  return settings.protocol == Protocol::text && settings.reply.until.empty() &&
         settings.reply.boundary == ReplyBoundary::none;
}

}  // namespace fairlead
