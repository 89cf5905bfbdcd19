#include "client/api/reply_codec.hpp"

#include <algorithm>

#include "common/protocol/limits.hpp"

namespace fairlead {

Codec::Parsed ReplyCodec::parse(Bytes in, More more, FrameSink& sink) {
  std::size_t at = 0;
  while (at < in.size()) {
    const Cut cut = first_reply(in.substr(at), more);
    if (cut.frame.payload.size() > message_bytes_max_ ||
        (cut.size == 0 && is_above_limit(in.substr(at)))) {
      return {at, DecodeResult::failed(CloseReason::message_too_big, "reply above the limit")};
    }
    if (cut.size == 0) break;
    searched_bytes_ = 0;
    at += cut.size;
    if (sink.on_frame(cut.frame) == Flow::stop) return {at, DecodeResult::stopped()};
  }
  return {at, {}};
}

bool ReplyCodec::is_above_limit(Bytes unfinished) const {
  // The CR of a line that is just within the limit waits for its LF.
  const bool may_be_crlf = settings_.until.empty() && unfinished.ends_with('\r');
  return unfinished.size() - (may_be_crlf ? 1 : 0) > message_bytes_max_;
}

ReplyCodec::Cut ReplyCodec::first_reply(Bytes in, More more) {
  Cut cut;
  if (!settings_.until.empty()) {
    cut = up_to_until(in);
  } else if (settings_.end) {
    cut = up_to_end(in);
  } else if (settings_.boundary == ReplyBoundary::silence) {
    cut = {};
  } else if (settings_.boundary == ReplyBoundary::none) {
    cut = whole_characters(in, more);
  } else {
    cut = first_line(in);
  }
  const bool ends_here = more == More::none || (more == More::after_pause && pause_matters());
  if (cut.size == 0 && ends_here) return {{.payload = in}, in.size()};
  return cut;
}

ReplyCodec::Cut ReplyCodec::first_line(Bytes in) {
  const std::size_t newline = in.find('\n', searched_bytes_);
  if (newline == Bytes::npos) {
    searched_bytes_ = in.size();
    return {};
  }
  const bool crlf = newline > 0 && in[newline - 1] == '\r';
  return {{.line_end = crlf ? LineEnd::crlf : LineEnd::lf,
           .payload = in.substr(0, newline - (crlf ? 1 : 0))},
          newline + 1};
}

ReplyCodec::Cut ReplyCodec::up_to_until(Bytes in) {
  const std::size_t found = in.find(settings_.until, searched_bytes_);
  if (found == Bytes::npos) {
    const std::size_t may_begin = settings_.until.size() - 1;
    searched_bytes_ = in.size() - std::min(in.size(), may_begin);
    return {};
  }
  const std::size_t size = found + settings_.until.size();
  return {{.payload = in.substr(0, size)}, size};
}

ReplyCodec::Cut ReplyCodec::up_to_end(Bytes in) {
  const std::size_t size = settings_.end->reply_bytes(in, searched_bytes_);
  if (size == 0) searched_bytes_ = in.size();
  return {{.payload = in.substr(0, size)}, size};
}

ReplyCodec::Cut ReplyCodec::whole_characters(Bytes in, More more) const {
  const std::size_t piece_bytes_max = std::min<std::size_t>(kReadBytesMax, message_bytes_max_);
  const Bytes window = in.substr(0, piece_bytes_max);
  const bool may_grow = more == More::may_follow || window.size() < in.size();
  const std::size_t size = encoding_.whole_characters(window, piece_bytes_max, may_grow);
  return {{.payload = window.substr(0, size)}, size};
}

void ReplyCodec::encode(const Frame& frame, ByteSink& out) const {
  out.send(frame.payload);
  if (frame.line_end == LineEnd::crlf) out.send("\r\n");
  if (frame.line_end == LineEnd::lf) out.send("\n");
}

}  // namespace fairlead
