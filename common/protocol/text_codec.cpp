#include "common/protocol/text_codec.hpp"

#include <algorithm>

namespace fairlead {
namespace {

struct Line {
  Bytes text;
  LineEnd end;
};

// `line` ends with an LF.
Line without_end(Bytes line) {
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
    return {line, LineEnd::crlf};
  }
  return {line, LineEnd::lf};
}

DecodeResult too_long() {
  return DecodeResult::failed(CloseReason::message_too_big, "line above max_message");
}

Flow deliver(Bytes text, LineEnd end, FrameSink& sink) {
  if (text.empty()) return Flow::proceed;
  return sink.on_frame({.line_end = end, .payload = text});
}

}  // namespace

Codec::Parsed TextCodec::parse(Bytes in, More more, FrameSink& sink) {
  switch (settings_.boundary) {
    case Boundary::line:
      return parse_lines(in, more, sink);
    case Boundary::chunk:
      return parse_chunks(in, more, sink);
    case Boundary::automatic:
      return parse_auto(in, more, sink);
  }
  return {};
}

Codec::Parsed TextCodec::parse_lines(Bytes in, More more, FrameSink& sink) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t newline = in.find('\n', at + searched_bytes_);
    if (newline == Bytes::npos) break;
    searched_bytes_ = 0;
    const Line line = without_end(in.substr(at, newline + 1 - at));
    if (line.text.size() > message_bytes_max_) return {at, too_long()};
    at = newline + 1;
    if (deliver(line.text, line.end, sink) == Flow::stop) return {at, DecodeResult::stopped()};
  }
  const Bytes rest = in.substr(at);
  // The byte above the limit may be the CR of a line that is just within it.
  if (rest.size() > std::size_t{message_bytes_max_} + 1) return {at, too_long()};
  if (more != More::none) {
    searched_bytes_ = static_cast<std::uint32_t>(rest.size());
    return {at, {}};
  }
  if (rest.size() > message_bytes_max_) return {at, too_long()};
  searched_bytes_ = 0;
  const Flow flow = deliver(rest, LineEnd::none, sink);
  return {in.size(), flow == Flow::stop ? DecodeResult::stopped() : DecodeResult{}};
}

Codec::Parsed TextCodec::parse_chunks(Bytes in, More more, FrameSink& sink) {
  std::size_t at = 0;
  while (at < in.size()) {
    const Bytes window = in.substr(at, settings_.chunk);
    // A window is cut at a character if more bytes are there or may come.
    const bool may_grow = window.size() < in.size() - at || more == More::may_follow;
    const std::size_t size = encoding_.whole_characters(window, settings_.chunk, may_grow);
    if (size == 0) break;
    at += size;
    if (deliver(window.substr(0, size), LineEnd::none, sink) == Flow::stop)
      return {at, DecodeResult::stopped()};
  }
  return {at, {}};
}

Codec::Parsed TextCodec::parse_auto(Bytes in, More more, FrameSink& sink) {
  constexpr std::size_t kLineEndBytesMax = 2;
  std::size_t at = 0;
  while (at < in.size()) {
    const Bytes rest = in.substr(at);
    Bytes message;
    LineEnd end = LineEnd::none;
    const std::size_t newline = rest.substr(0, settings_.chunk + kLineEndBytesMax).find('\n');
    if (newline != Bytes::npos) {
      const Line line = without_end(rest.substr(0, newline + 1));
      if (line.text.size() <= settings_.chunk) {
        message = line.text;
        end = line.end;
        at += newline + 1;
      }
    } else if (more == More::may_follow) {
      const bool line_end_may_follow = rest.size() <= settings_.chunk ||
                                       (rest.size() == settings_.chunk + 1 && rest.back() == '\r');
      if (line_end_may_follow) break;
    }
    if (end == LineEnd::none) {
      const Bytes window = rest.substr(0, settings_.chunk);
      const bool cut = window.size() < rest.size();
      message = window.substr(0, encoding_.whole_characters(window, settings_.chunk, cut));
      if (message.empty()) break;
      at += message.size();
    }
    if (deliver(message, end, sink) == Flow::stop) return {at, DecodeResult::stopped()};
  }
  return {at, {}};
}

void TextCodec::encode(const Frame& frame, ByteSink& out) const {
  out.send(frame.payload);
  if (frame.line_end == LineEnd::crlf) out.send("\r\n");
  if (frame.line_end == LineEnd::lf) out.send("\n");
}

}  // namespace fairlead
