#include "client/api/connection.hpp"

#include <algorithm>
#include <utility>

#include "common/protocol/framed_codec.hpp"
#include "common/protocol/len32_codec.hpp"

namespace fairlead {
namespace {

// Services that an error message names.
constexpr std::size_t kServicesNamedMax = 8;

std::unique_ptr<Codec> make_codec(const ConnectionSettings& settings, BufferPool& pool,
                                  const ClientEncoding& encoding) {
  switch (settings.protocol) {
    case Protocol::len32:
      return std::make_unique<Len32Codec>(pool, settings.message_bytes_max);
    case Protocol::framed:
      return std::make_unique<FramedCodec>(pool, settings.message_bytes_max);
    case Protocol::text:
      break;
  }
  return std::make_unique<ReplyCodec>(pool, settings.reply, encoding, settings.message_bytes_max);
}

// A string with its length in one byte before it.
std::optional<std::string> take_short_string(Bytes& from) {
  if (from.empty() || from.size() - 1 < octet(from[0])) return {};
  std::string result(from.substr(1, octet(from[0])));
  from.remove_prefix(1 + result.size());
  return result;
}

Failure failure_of(StreamError error) {
  switch (error) {
    case StreamError::reset:
      return {.kind = FailureKind::reset, .what = "the server reset the connection"};
    case StreamError::vanished:
      return {.kind = FailureKind::vanished, .what = "the network lost the server"};
    case StreamError::failed:
      break;
  }
  return {.kind = FailureKind::broken, .what = "the connection failed on this machine"};
}

}  // namespace

std::optional<ServerHello> read_hello(Bytes payload) {
  constexpr std::size_t kFixedBytes = 8;
  if (payload.size() < kFixedBytes) return {};
  ServerHello hello;
  hello.version = read_big_endian_16(payload.data());
  hello.channels_max = read_big_endian_16(payload.data() + 2);
  hello.message_bytes_max = read_big_endian_32(payload.data() + 4);
  payload.remove_prefix(kFixedBytes);

  auto name = take_short_string(payload);
  auto default_service = take_short_string(payload);
  if (!name || !default_service || payload.empty()) return {};
  hello.name = *std::move(name);
  hello.default_service = *std::move(default_service);
  const std::size_t services = octet(payload[0]);
  payload.remove_prefix(1);
  for (std::size_t i = 0; i < services; ++i) {
    auto service = take_short_string(payload);
    if (!service) return {};
    hello.services.push_back(*std::move(service));
  }
  return hello;
}

Failure read_reason(FailureKind kind, Bytes payload) {
  constexpr std::size_t kNumberBytes = 4;
  if (payload.size() < kNumberBytes) return {.kind = kind};
  const std::uint32_t number = read_big_endian_32(payload.data());
  const bool known = number < kCloseReasonCount;
  return {.kind = kind,
          .told = known ? static_cast<CloseReason>(number) : CloseReason::none,
          .what = std::string(payload.substr(kNumberBytes))};
}

ServerConnection::ServerConnection(ClientShard& shard, const ConnectionSettings& settings,
                                   std::unique_ptr<ByteStream> stream, ConnectionObserver& observer)
    : shard_(shard),
      settings_(settings),
      stream_(std::move(stream)),
      output_(shard.pool()),
      observer_(observer),
      encoding_(settings.encoding),
      codec_(make_codec(settings, shard.pool(), encoding_)),
      silence_(shard, [this] { stream_->probe(); }) {}

ServerConnection::~ServerConnection() {
  if (is_dirty_) shard_.forget(*this);
}

void ServerConnection::start() {
  stream_->start(*this);
  if (settings_.protocol != Protocol::framed) return observer_.on_ready();
  const std::string name = settings_.name.substr(0, 255);
  const auto version = big_endian_16(1);
  std::string payload(version.data(), version.size());
  payload += static_cast<char>(name.size());
  payload += name;
  output_.send(kPreface);
  send_frame(FrameType::hello, 0, payload, false);
  // The server's HELLO is not waited for: the answers come together.
  if (!settings_.service.empty()) open_id_ = open(settings_.service, kServiceChannel);
}

// ---- Sending ----

std::uint32_t ServerConnection::send(Bytes payload, std::uint16_t channel) {
  if (settings_.protocol == Protocol::framed)
    return send_frame(FrameType::message, channel, payload, true);
  encode({.line_end = settings_.line_end, .payload = payload});
  return 0;
}

std::uint32_t ServerConnection::send_frame(FrameType type, std::uint16_t channel, Bytes payload,
                                           bool numbered) {
  const std::uint32_t id = numbered ? ++last_request_id_ : 0;
  encode({.type = type, .channel = channel, .request_id = id, .payload = payload});
  return id;
}

void ServerConnection::encode(const Frame& frame) {
  // A write behind our own end fails (EPIPE), and would end the replies.
  if (ending_ || output_.is_shut_down()) return;
  codec_->encode(frame, output_);
  flush_later();
}

void ServerConnection::flush() {
  if (!ending_) output_.flush(*stream_);
}

void ServerConnection::pause() {
  if (!ending_ && !is_broken_) stream_->pause();
}

void ServerConnection::resume() {
  if (!ending_ && !is_broken_) stream_->resume();
}

void ServerConnection::finish_sending() {
  output_.finish();
  flush_later();
}

void ServerConnection::flush_later() {
  if (!std::exchange(is_dirty_, true)) shard_.flush_later(*this);
}

void ServerConnection::on_written(std::size_t size) {
  output_.on_written(size);
  flush();
  if (!ending_ && output_.empty()) observer_.on_drained();
}

// ---- Receiving ----

void ServerConnection::on_bytes(Bytes bytes) {
  if (ending_) return;
  received_bytes_ += bytes.size();
  decoded(codec_->feed(bytes, *this));
  watch_silence();
  if (!ending_) observer_.on_delivered();
}

void ServerConnection::on_silence() {
  if (ending_) return;
  if (is_broken_) return end(std::exchange(failure_, {}));
  if (codec_->awaits_pause()) decoded(codec_->on_pause(*this));
  watch_silence();
  if (!ending_) observer_.on_delivered();
}

// Restarted by each delivery: what counts is a silence, not the age of the reply.
void ServerConnection::watch_silence() {
  if (ending_) return;
  if (is_broken_) return silence_.set(shard_.now());
  silence_.set(codec_->awaits_pause() ? shard_.now() + settings_.reply.quiet : kNever);
}

void ServerConnection::on_end() {
  if (ending_) return;
  const bool cut_short = settings_.protocol != Protocol::text && codec_->mid_message();
  decoded(codec_->on_end(*this));
  if (ending_) return;
  if (cut_short) {
    return end({.kind = FailureKind::cut_short,
                .what = "the server ended the connection in the middle of a message"});
  }
  end(std::exchange(failure_, {}));
}

void ServerConnection::decoded(const DecodeResult& result) {
  if (ending_ || result.status != DecodeResult::Status::failed) return;
  const bool too_big = result.reason == CloseReason::message_too_big;
  end({.kind = too_big ? FailureKind::too_big : FailureKind::bad_protocol, .what = result.problem});
}

Flow ServerConnection::on_frame(const Frame& frame) {
  if (settings_.protocol == Protocol::framed) {
    on_framed(frame);
  } else {
    observer_.on_frame(frame);
  }
  return ending_ ? Flow::stop : Flow::proceed;
}

void ServerConnection::on_framed(const Frame& frame) {
  if (!hello_) {
    if (frame.type == FrameType::hello) return on_hello(frame.payload);
    // A server that turns clients away may do so at once.
    if (frame.type != FrameType::error && frame.type != FrameType::goaway) {
      return end(
          {.kind = FailureKind::bad_protocol, .what = "the server did not begin with HELLO"});
    }
  }
  const bool is_answer = frame.type == FrameType::opened || frame.type == FrameType::error;
  if (open_id_ != 0 && frame.request_id == open_id_ && is_answer) return on_opened(frame);
  switch (frame.type) {
    case FrameType::ping:
      return on_ping(frame);
    case FrameType::error:
      if (frame.channel == 0 && frame.request_id == 0) on_goodbye(frame.payload);
      break;
    case FrameType::close:
      if (frame.channel == 0) on_goodbye(frame.payload);
      break;
    case FrameType::goaway:
      if (frame.payload.size() >= 4) on_goodbye(frame.payload.substr(4));
      break;
    case FrameType::hello:
    case FrameType::open:
      return end({.kind = FailureKind::bad_protocol, .what = "a frame that only a client sends"});
    default:
      break;
  }
  if (open_id_ == 0) return observer_.on_frame(frame);
  if (frame.channel == kServiceChannel) {
    end({.kind = FailureKind::bad_protocol, .what = "an answer of a service that is not open"});
  }
}

void ServerConnection::on_ping(const Frame& ping) {
  if (ping.payload.size() > kPingBytesMax)
    return end({.kind = FailureKind::bad_protocol, .what = "ping above 32 bytes"});
  if (output_.empty()) pong_bytes_ = 0;
  pong_bytes_ += kFrameHeaderBytes + ping.payload.size();
  if (pong_bytes_ > kPongBytesQueuedMax) {
    return end({.kind = FailureKind::bad_protocol,
                .what = "the server sends PING after PING and takes no PONG"});
  }
  encode({.type = FrameType::pong,
          .channel = ping.channel,
          .request_id = ping.request_id,
          .payload = ping.payload});
}

void ServerConnection::on_hello(Bytes payload) {
  hello_ = read_hello(payload);
  if (!hello_) return end({.kind = FailureKind::bad_protocol, .what = "malformed HELLO"});
  if (open_id_ == 0) observer_.on_ready();
}

void ServerConnection::on_opened(const Frame& answer) {
  open_id_ = 0;
  if (answer.type == FrameType::opened) return observer_.on_ready();
  Failure failure = read_reason(FailureKind::request_refused, answer.payload);
  const std::vector<std::string>& services = hello_->services;
  if (failure.told == CloseReason::unknown_service && !services.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min(services.size(), kServicesNamedMax); ++i)
      names += (i == 0 ? "" : ", ") + services[i];
    if (services.size() > kServicesNamedMax) names += ", ...";
    failure.what += "; --service takes one of " + names;
  }
  end(std::move(failure));
}

// The server is about to end the connection; it may still answer what it has received.
void ServerConnection::on_goodbye(Bytes payload) {
  failure_ = read_reason(FailureKind::turned_away, payload);
}

std::string ServerConnection::take_fragment() {
  // After a close in on_frame whole lines may be among it.
  struct Collector final : FrameSink, ByteSink {
    explicit Collector(const Codec& from) : codec(from) {}
    Flow on_frame(const Frame& frame) override {
      codec.encode(frame, *this);
      return Flow::proceed;
    }
    void send(Bytes part) override { bytes += part; }
    const Codec& codec;
    std::string bytes;
  } rest(*codec_);
  if (settings_.protocol == Protocol::text) codec_->on_end(rest);
  return rest.bytes;
}

// ---- The end ----

void ServerConnection::on_error(StreamError error) {
  if (ending_ || is_broken_) return;
  // A server that has said why it ends may well reset what it leaves unread.
  if (failure_.kind == FailureKind::none) {
    failure_ = failure_of(error);
    failure_.unsent = !output_.empty();
  }
  if (error != StreamError::reset) return end(std::exchange(failure_, {}));
  // It may also have answered before. Not read in this turn, which may be within a write.
  is_broken_ = true;
  silence_.set(shard_.now());
}

void ServerConnection::end(Failure failure) {
  if (std::exchange(ending_, true)) return;
  // Whoever has what it wanted is still told that not all of its own has left.
  const bool is_untold = failure.kind == FailureKind::none && failure_.unsent;
  if (!is_untold) failure_ = std::move(failure);
  silence_.cancel();
  stream_->terminate(TerminateManner::quiet);
}

void ServerConnection::on_finished() {
  shard_.retire(std::move(stream_));
  observer_.on_ended(failure_);
  // *this may be gone.
}

}  // namespace fairlead
