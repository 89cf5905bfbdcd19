// What a session says: replies, and why it says goodbye.
#include <algorithm>
#include <array>
#include <string>

#include "common/base/planted_bug.hpp"
#include "common/protocol/limits.hpp"
#include "server/core/session.hpp"

namespace fairlead {
namespace {

// Endings that a plain client learns of by a line, because it could not tell them from a healthy
// end of the connection. A time-out or a drain is an end like any other: a line would be taken for
// a reply.
bool is_told_in_words(CloseReason reason) {
  switch (reason) {
    case CloseReason::message_too_big:
    case CloseReason::rate_limited:
    case CloseReason::server_full:
    case CloseReason::ip_limit:
    case CloseReason::denied:
    case CloseReason::kicked:
    case CloseReason::internal_error:
      return true;
    default:
      return false;
  }
}

// What answers a request, or is said without one.
bool is_message(FrameType type) {
  switch (type) {
    case FrameType::message:
    case FrameType::reply:
    case FrameType::status:
    case FrameType::listing:
    case FrameType::end:
    case FrameType::hashes:
      return true;
    default:
      return false;
  }
}

std::string reason_payload(CloseReason reason, std::string_view why) {
  const auto code = big_endian_32(static_cast<std::uint32_t>(reason));
  std::string payload(code.data(), code.size());
  payload += why.empty() ? explanation_of(reason) : why;
  return payload;
}

void append_short_string(std::string& out, std::string_view text) {
  text = text.substr(0, 255);
  out += static_cast<char>(text.size());
  out += text;
}

}  // namespace

void Session::send(const Frame& frame) {
  mark_dirty();
  queue(frame, Keep::always);
}

void Session::queue(const Frame& frame, Keep keep) {
  if (stage_ == Stage::terminated || torn_ || transport_->finished_sending()) return;
  if (is_message(frame.type)) ++messages_out_;
  torn_ = true;
  if (outbox_) {
    outbox_->append(*codec(), frame, keep == Keep::if_room);
  } else {
    codec()->encode(frame, *transport_);
  }
  torn_ = false;
  // The kernel may take all that is new, but not of a client for whom something waits already.
  if (is_accounted_) account();
}

void Session::send_raw(Bytes bytes) {
  mark_dirty();
  if (outbox_) empty_outbox();
  torn_ = true;
  transport_->send(bytes);
  torn_ = false;
}

void Session::send_error(std::uint16_t channel, std::uint32_t request_id, CloseReason code,
                         std::string_view why) {
  send({.type = FrameType::error,
        .channel = channel,
        .request_id = request_id,
        .payload = reason_payload(code, why)});
}

void Session::send_close(std::uint16_t channel, CloseReason reason) {
  send({.type = FrameType::close, .channel = channel, .payload = reason_payload(reason, {})});
}

void Session::say_hello() {
  std::string payload;
  const auto version = big_endian_16(1);
  const auto channels = big_endian_16(kChannelsMax);
  const auto bytes_max =
      big_endian_32(static_cast<std::uint32_t>(context_.settings.limits.max_message));
  payload.append(version.data(), version.size());
  payload.append(channels.data(), channels.size());
  payload.append(bytes_max.data(), bytes_max.size());
  append_short_string(payload, context_.settings.name);
  append_short_string(payload,
                      listener_.service != nullptr ? listener_.service->name : std::string_view{});
  payload += static_cast<char>(listener_.open_services.size());
  for (const ServiceSettings* service : listener_.open_services)
    append_short_string(payload, service->name);

  send_raw(kPreface);
  send({.type = FrameType::hello, .payload = payload});
}

void Session::say_goaway(CloseReason reason) {
  const auto last = big_endian_32(last_request_id_);
  send({.type = FrameType::goaway,
        .payload = std::string(last.data(), last.size()) + reason_payload(reason, {})});
}

// Tells the client why, where it can still be told and would not take it for something else.
void Session::say_goodbye(std::string_view problem) {
  switch (reason_) {
    case CloseReason::peer_closed:
    case CloseReason::eof_before_data:
      return;
    default:
      break;
  }
  if (is_framed()) {
    switch (reason_) {
      case CloseReason::draining:
      case CloseReason::restart:
        return say_goaway(reason_);
      case CloseReason::close_after:
      case CloseReason::completed:
        return send_close(0, reason_);
      default:
        return send_error(0, 0, reason_, problem);
    }
  }
  if (codec() != nullptr && is_told_in_words(reason_)) {
    std::string line = "error: ";
    line += name_of(reason_);
    line += ": ";
    line += explanation_of(reason_);
    send({.line_end = is_text() ? LineEnd::lf : LineEnd::none, .payload = line});
  }
}

std::size_t Session::queued_bytes() const {
  return transport_->queued_bytes() + (outbox_ ? outbox_->bytes() : 0);
}

bool Session::has_room() const { return queued_bytes() == 0 && !transport_->awaits_room(); }

std::size_t Session::backlog_bytes() const {
  return outbox_ ? unpushed_backlog() : transport_->queued_bytes();
}

// What the kernel does not take of the frame in which it stops is queued; what comes behind that is
// as if it had never been offered. So a slow client keeps one frame, and a frame is never of two
// readings of a file.
std::size_t Session::offer(std::uint16_t channel, std::uint32_t request, Bytes bytes) {
  if (stage_ == Stage::terminated || torn_ || transport_->finished_sending()) return bytes.size();
  mark_dirty();
  if (outbox_) empty_outbox();

  constexpr std::size_t kFramesMax = 8;
  std::array<std::array<char, kFrameHeaderBytes>, kFramesMax> headers;
  std::array<Bytes, 2 * kFramesMax> pieces;
  std::size_t frames = 0;
  const std::size_t header_bytes = is_framed() ? kFrameHeaderBytes : 0;
  for (std::size_t at = 0; at < bytes.size() && frames < kFramesMax; ++frames) {
    const Bytes payload = bytes.substr(at, kOfferedFrameBytes);
    headers[frames] = frame_header(
        {.type = FrameType::data, .channel = channel, .request_id = request, .payload = payload});
    pieces[2 * frames] = {headers[frames].data(), header_bytes};
    pieces[2 * frames + 1] = payload;
    at += payload.size();
  }
  std::size_t taken = transport_->offer({pieces.data(), 2 * frames});
  if (taken > 0) last_activity_ = context_.now;
  context_.offered_bytes += taken;

  std::size_t offered = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    const Bytes header = pieces[2 * i];
    const Bytes payload = pieces[2 * i + 1];
    offered += payload.size();
    if (taken >= header.size() + payload.size()) {
      taken -= header.size() + payload.size();
      continue;
    }
    torn_ = true;
    transport_->send_rest(header.substr(std::min(taken, header.size())));
    transport_->send_rest(payload.substr(taken - std::min(taken, header.size())));
    torn_ = false;
    break;
  }
  return offered;
}

LineEnd Session::own_line_end() const {
  const bool lines = is_text() && listener_.service->text_rules.boundary == Boundary::line;
  return lines ? LineEnd::lf : LineEnd::none;
}

Encoding Session::reply_encoding() const {
  return is_framed() ? Encoding::utf8 : encoding_.reply_encoding();
}

void Session::mark_dirty() noexcept {
  if (dirty_) return;
  dirty_ = true;
  context_.dirty.add(*this);
}

void Session::mark_pushed() noexcept {
  if (is_pushed_) return;
  is_pushed_ = true;
  context_.pushed.add(*this);
}

std::size_t Session::offer_file(const FilePart& part) {
  if (stage_ == Stage::terminated || torn_ || transport_->finished_sending()) return 0;
  mark_dirty();
  if (outbox_) empty_outbox();
  const std::size_t taken = transport_->offer_file(part);
  if (taken > 0) last_activity_ = context_.now;
  context_.offered_bytes += taken;
  return taken;
}

bool Session::awaits_room() const noexcept { return transport_->awaits_room(); }

// After the kernel was offered what waits: how much is left, and since when. `progress`: it had
// refused some, and has now taken more.
void Session::take_stock(bool progress) {
  const std::size_t queued = queued_bytes();
  const bool waits = !has_room();
  // Nearly always: the kernel has taken all, and had before.
  if (!waits && hold_ == Hold::none && !is_accounted_ && behind_since_ == kNever && !overrun_)
    return;
  account();
  const LimitSettings& limits = context_.settings.limits;
  const bool pushed_to = is_pushed_to();
  if (!waits || (pushed_to && queued <= limits.queue_soft)) {
    behind_since_ = kNever;
  } else if (behind_since_ == kNever || (progress && !pushed_to)) {
    behind_since_ = context_.now;
  }
  const bool too_much = (overrun_ || queued >= limits.queue_hard) && !may_drop();
  if (pushed_to && too_much && !planted(PlantedBug::endless_queue)) fall_behind();
}

// Tells the shard how much memory waits here: the replies, and behind them what has not even been
// looked at because of them.
void Session::account() noexcept {
  std::size_t bytes = 0;
  if (stage_ != Stage::terminated && stage_ != Stage::finished) {
    bytes = transport_->queued_memory() + (outbox_ ? outbox_->memory() : 0);
    if (hold_ != Hold::none && codec() != nullptr) bytes += codec()->kept_memory();
  }
  if (bytes == 0 && !is_accounted_) return;
  context_.output.set(slot_, bytes);
  is_accounted_ = bytes > 0;
}

// Something has left, or could have.
void Session::after_output() {
  if (stage_ == Stage::finishing) {
    if (!transport_->finished_sending() && !planted(PlantedBug::close_drops_queue)) return;
    return peer_ended_ ? terminate(TerminateManner::quiet) : linger();
  }
  if (stage_ != Stage::talking) return;
  if (wants_writable_ && has_room()) schedule();
  if (hold_ != Hold::output || waits_for_answers()) return;
  // Resuming at half of the mark keeps a slow reader from being paused and resumed for every reply.
  if (backlog_bytes() > context_.settings.limits.queue_soft / 2) return;
  // In a turn of its own: a client that takes everything at once would keep this one for itself.
  if (planted(PlantedBug::no_resume_after_end) && peer_ended_) return;
  hold(Hold::turn);
}

}  // namespace fairlead
