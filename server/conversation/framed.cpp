#include "server/conversation/framed.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "common/protocol/limits.hpp"
#include "server/conversation/reason_payload.hpp"
#include "server/handover/state.hpp"

namespace fairlead {
namespace {

void append_short_string(std::string& out, std::string_view text) {
  text = text.substr(0, 255);
  out += static_cast<char>(text.size());
  out += text;
}

}  // namespace

FramedConversation::FramedConversation(Connection& connection)
    : RequestConversation(connection),
      codec_(connection.context().pool, connection.message_bytes_max()),
      is_draining_(connection.context().draining_for != CloseReason::none) {
  if (ServiceInstance* const service = connection.offer().default_service; service != nullptr)
    default_channel_.emplace(*this, *service, std::uint16_t{0});
}

FramedConversation::FramedConversation(Connection& connection, const SessionState& state)
    : RequestConversation(connection),
      codec_(connection.context().pool, state.message_bytes_max),
      last_request_id_(state.last_request_id),
      is_hello_said_(true),
      is_hello_allowed_(state.is_hello_allowed) {
  codec_.go_on_at({state.skip_bytes, state.has_preface});
  for (const ChannelState& channel : state.channels) {
    ServiceInstance& instance = connection.offer().any_service(channel.service);
    if (channel.id == 0) {
      default_channel_.emplace(*this, instance, channel.id).go_on(channel);
    } else {
      channels_.emplace_back(std::make_unique<Channel>(*this, instance, channel.id))
          ->go_on(channel);
    }
  }
}

void FramedConversation::on_open() {
  say_hello();
  if (default_channel_) default_channel_->open();
}

// ---- Requests ----

void FramedConversation::on_request(const Frame& frame) {
  if (frame_kind(frame.type).sender == Sender::server)
    return leave(CloseReason::protocol_error, "a frame that only the server sends");
  if (is_file_request(frame.type)) {
    is_hello_allowed_ = false;
    return on_message(frame);
  }
  switch (frame.type) {
    case FrameType::hello:
      on_hello(frame);
      break;
    case FrameType::open:
      on_open_request(frame);
      break;
    case FrameType::close:
      on_close(frame);
      break;
    case FrameType::message:
      on_message(frame);
      break;
    case FrameType::ping:
      on_ping(frame);
      break;
    default:
      break;
  }
  is_hello_allowed_ = false;
}

// A client may say who it is: u16 version, then its name with a length of one byte.
void FramedConversation::on_hello(const Frame& frame) {
  const Bytes payload = frame.payload;
  const bool is_whole = payload.size() >= 3 && payload.size() == 3U + octet(payload[2]);
  if (!is_hello_allowed_ || frame.channel != 0 || !is_whole)
    leave(CloseReason::protocol_error, "bad hello");
}

void FramedConversation::on_open_request(const Frame& frame) {
  if (!take_request_id(frame.request_id))
    return leave(CloseReason::protocol_error, "request ids must increase");
  if (frame.channel == 0 || find_channel(frame.channel) != nullptr)
    return leave(CloseReason::protocol_error, "open of a channel that is open");
  // Those closed by an earlier frame of the same delivery must not count.
  if (channels_.size() >= kChannelsMax) remove_closed_channels();
  if (channels_.size() >= kChannelsMax)
    return send_error(frame.channel, frame.request_id, RequestError::too_many_channels);
  ServiceInstance* const instance = connection().offer().service_named(frame.payload);
  if (instance == nullptr)
    return send_error(frame.channel, frame.request_id, RequestError::unknown_service);
  Channel& opened =
      *channels_.emplace_back(std::make_unique<Channel>(*this, *instance, frame.channel));
  send({.type = FrameType::opened,
        .channel = frame.channel,
        .request_id = frame.request_id,
        .payload = {}});
  instance->transcribe_connect({connection().told_peer(), connection().id()});
  opened.open();
}

void FramedConversation::on_close(const Frame& frame) {
  if (frame.channel == 0) return leave(CloseReason::peer_closed);
  Channel* const closing = find_channel(frame.channel);
  if (closing == nullptr) return;  // it crossed ours on the way
  closing->refuse_pending(CloseReason::peer_closed);
  send_close(frame.channel, CloseReason::peer_closed);
  closing->finish(CloseReason::peer_closed);
}

void FramedConversation::on_ping(const Frame& frame) {
  if (frame.payload.size() > kPingBytesMax)
    return leave(CloseReason::protocol_error, "ping above 32 bytes");
  send({.type = FrameType::pong,
        .channel = frame.channel,
        .request_id = frame.request_id,
        .payload = frame.payload});
}

void FramedConversation::on_message(const Frame& frame) {
  connection().count_message_in();
  if (!take_request_id(frame.request_id))
    return leave(CloseReason::protocol_error, "request ids must increase");
  Channel* const target = find_channel(frame.channel);
  if (target == nullptr)
    return send_error(frame.channel, frame.request_id, RequestError::no_such_channel);
  if (is_file_request(frame.type) && !target->has_files())
    return send_error(frame.channel, frame.request_id, RequestError::unknown_service);
  target->handle(frame, Encoding::utf8);
}

bool FramedConversation::take_request_id(std::uint32_t id) {
  if (id <= last_request_id_) return false;
  last_request_id_ = id;
  return true;
}

// Replies that only wait do not keep a client from being read, until there are too many, or none is
// to follow.
bool FramedConversation::awaits_replies() const noexcept {
  if (pending_replies() == 0) return false;
  return pending_replies() >= kUnansweredMax || is_leaving() || is_draining_ ||
         connection().peer_has_ended();
}

// ---- Channels ----

Channel* FramedConversation::find_channel(std::uint16_t id) {
  if (id == 0)
    return default_channel_ && default_channel_->is_open() ? &*default_channel_ : nullptr;
  const auto found = std::find_if(channels_.begin(), channels_.end(), [id](const auto& channel) {
    return channel->id() == id && channel->is_open();
  });
  return found == channels_.end() ? nullptr : found->get();
}

void FramedConversation::remove_closed_channels() {
  std::erase_if(channels_, [](const auto& channel) { return !channel->is_open(); });
}

template <class Visit>
void FramedConversation::for_each_channel(Visit&& visit) {
  if (default_channel_) visit(*default_channel_);
  for (const auto& channel : channels_) visit(*channel);
}

// The one behind the channel that has had the last turn, in the order of their numbers.
Channel* FramedConversation::next_waiting_channel(bool& more) {
  Channel* chosen = nullptr;
  int waiting = 0;
  const auto distance = [this](const Channel& channel) {
    return static_cast<std::uint16_t>(channel.id() - last_served_ - 1);
  };
  for_each_channel([&](Channel& channel) {
    if (!channel.wants_turn()) return;
    ++waiting;
    if (chosen == nullptr || distance(channel) < distance(*chosen)) chosen = &channel;
  });
  more = waiting > 1;
  if (chosen != nullptr) last_served_ = chosen->id();
  return chosen;
}

// What the kernel does not take of the frame in which it stops is queued; what comes behind that
// frame is as if it had never been offered. So a slow client keeps one frame, and a frame is never
// of two readings of a file.
std::size_t FramedConversation::write_body(std::uint16_t channel, std::uint32_t request,
                                           Bytes bytes) {
  constexpr std::size_t kFramesMax = 8;
  std::array<std::array<char, kFrameHeaderBytes>, kFramesMax> headers;
  std::array<Bytes, 2 * kFramesMax> pieces;
  std::size_t frames = 0;
  for (std::size_t at = 0; at < bytes.size() && frames < kFramesMax; ++frames) {
    const Bytes payload = bytes.substr(at, kOfferedFrameBytes);
    headers[frames] = frame_header(
        {.type = FrameType::data, .channel = channel, .request_id = request, .payload = payload});
    pieces[2 * frames] = {headers[frames].data(), kFrameHeaderBytes};
    pieces[2 * frames + 1] = payload;
    at += payload.size();
  }
  std::size_t taken = connection().write_through({pieces.data(), 2 * frames});
  std::size_t begun = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    const Bytes header = pieces[2 * i];
    const Bytes payload = pieces[2 * i + 1];
    begun += payload.size();
    const std::size_t size = header.size() + payload.size();
    if (taken < size) {
      connection().queue([&](ByteSink& out) {
        out.send(header.substr(std::min(taken, header.size())));
        out.send(payload.substr(taken - std::min(taken, header.size())));
      });
      break;
    }
    taken -= size;
  }
  return begun;
}

// ---- An upgrade ----

bool FramedConversation::can_channels_move() const noexcept {
  const auto can_move = [](const auto& channel) {
    return !channel->is_open() || channel->can_move();
  };
  return (!default_channel_ || can_move(&*default_channel_)) &&
         std::ranges::all_of(channels_, can_move);
}

void FramedConversation::save_protocol(SessionState& state) const {
  const FramedCodec::Place place = codec_.place();
  state.protocol = SessionState::Protocol::framed;
  state.skip_bytes = place.skip_bytes;
  state.has_preface = place.preface_seen;
  state.last_request_id = last_request_id_;
  state.is_hello_allowed = is_hello_allowed_;
  if (default_channel_) state.channels.push_back(default_channel_->save());
  for (const auto& channel : channels_)
    if (channel->is_open()) state.channels.push_back(channel->save());
}

void FramedConversation::on_moved() noexcept {
  for_each_channel([](Channel& channel) { channel.leave(); });
}

// ---- Hello and goodbye ----

void FramedConversation::say_hello() {
  is_hello_said_ = true;
  const ListenerSettings& listener = connection().listener();
  const ServerSettings& settings = connection().offer().settings;
  std::string payload;
  const auto version = big_endian_16(1);
  const auto channels = big_endian_16(kChannelsMax);
  const auto bytes_max = big_endian_32(connection().message_bytes_max());
  payload.append(version.data(), version.size());
  payload.append(channels.data(), channels.size());
  payload.append(bytes_max.data(), bytes_max.size());
  append_short_string(payload, settings.name);
  append_short_string(payload, listener.default_service);
  payload += static_cast<char>(listener.offered_services.size());
  for (const std::string& service : listener.offered_services)
    append_short_string(payload, service);

  connection().queue([](ByteSink& out) { out.send(kPreface); });
  send({.type = FrameType::hello, .payload = payload});
}

void FramedConversation::on_drain() {
  is_draining_ = true;
  connection().probe();
}

void FramedConversation::say_goodbye(CloseReason reason, std::string_view problem) {
  for_each_channel([reason](Channel& channel) { channel.refuse_pending(reason); });
  for_each_channel([reason](Channel& channel) { channel.finish(reason); });
  switch (reason) {
    case CloseReason::peer_closed:
    case CloseReason::eof_before_data:
      return;
    case CloseReason::draining:
    case CloseReason::restart:
      return say_goaway(reason);
    case CloseReason::close_after:
    case CloseReason::completed:
      return send_close(0, reason);
    default:
      if (!is_hello_said_) say_hello();  // refused at once
      return send_error(0, 0, reason, problem);
  }
}

void FramedConversation::say_goaway(CloseReason reason) {
  const auto last = big_endian_32(last_request_id_);
  send({.type = FrameType::goaway,
        .payload = std::string(last.data(), last.size()) + reason_payload(reason)});
}

void FramedConversation::on_closed(CloseReason reason) noexcept {
  for_each_channel([reason](Channel& channel) { channel.finish(reason); });
}

}  // namespace fairlead
