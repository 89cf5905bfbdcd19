#include "common/protocol/codec.hpp"

namespace fairlead {

DecodeResult Codec::feed(Bytes in, FrameSink& sink) {
  if (!tail_.empty()) {
    tail_.append(in);
    return parse_tail(More::may_follow, sink);
  }
  const Parsed parsed = parse(in, More::may_follow, sink);
  stopped_ = parsed.result.status == DecodeResult::Status::stopped;
  const bool failed = parsed.result.status == DecodeResult::Status::failed;
  if (!failed && parsed.consumed < in.size()) tail_.append(in.substr(parsed.consumed));
  return parsed.result;
}

void Codec::keep(Bytes in) { tail_.append(in); }

DecodeResult Codec::on_pause(FrameSink& sink) { return parse_tail(More::after_pause, sink); }

DecodeResult Codec::on_end(FrameSink& sink) { return parse_tail(More::none, sink); }

DecodeResult Codec::parse_tail(More more, FrameSink& sink) {
  const Parsed parsed = parse(tail_.view(), more, sink);
  stopped_ = parsed.result.status == DecodeResult::Status::stopped;
  // Bytes behind an error are never read, and the session may linger for long.
  const bool failed = parsed.result.status == DecodeResult::Status::failed;
  tail_.drop_front(failed ? tail_.size() : parsed.consumed);
  return parsed.result;
}

}  // namespace fairlead
