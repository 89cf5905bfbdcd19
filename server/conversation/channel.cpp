#include "server/conversation/channel.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "server/conversation/request_conversation.hpp"

namespace fairlead {

void Channel::open() {
  stage_ = Stage::open;
  const std::string& greeting = instance_.settings().greeting;
  if (!greeting.empty()) send_unasked(encoded(greeting));
  if (is_open()) instance_.service().on_open(*this);
}

void Channel::handle(const Frame& request, Encoding encoding) {
  if (messages_ < std::numeric_limits<std::uint32_t>::max()) ++messages_;
  const Message message{request.payload, encoding, request.type};
  if (instance_.transcribes_messages() && !is_file_request(request.type)) {
    instance_.transcribe_message({told_address(), connection_id()}, text_of(message),
                                 message.payload.size());
  }
  request_ = &request;
  instance_.service().on_message(*this, message);
  if (has_body()) pull_body();
  // A framed client waits for one reply to each request, also where the service has nothing to say.
  if (request_ != nullptr && is_open() && conversation_.is_framed()) reply({});
  request_ = nullptr;
  close_after_enough();
}

void Channel::close_after_enough() {
  const std::uint64_t close_after = instance_.settings().close_after;
  if (close_after != 0 && messages_ >= close_after && pending_replies() == 0)
    close(CloseReason::close_after);
}

void Channel::take_turn() {
  wants_turn_ = false;
  if (!is_open()) return;
  if (!has_body()) instance_.service().on_writable(*this);
  if (has_body()) pull_body();
  close_after_enough();
}

void Channel::finish(CloseReason reason) noexcept {
  if (stage_ == Stage::closed) return;
  const bool was_open = is_open();
  stage_ = Stage::closed;
  wants_turn_ = false;
  conversation_.drop_pending_replies(pending_replies());
  deferred_.reset();
  if (!was_open) return;
  instance_.service().on_close(*this, reason);
  state.reset();
  instance_.transcribe_close({told_address(), connection_id()});
}

// ---- An upgrade ----

bool Channel::can_move() const noexcept {
  const bool is_busy = has_body() || pending_replies() > 0 || wants_turn_ || is_streaming_;
  return !is_busy && (!state || state->is_dispensable());
}

ChannelState Channel::save() const {
  const ServiceSettings& settings = instance_.settings();
  return {id_, settings.name, settings.type, messages_};
}

// The service hears that its peer is gone; the transcript does not, because the client stays.
void Channel::leave() noexcept {
  if (!is_open()) return;
  stage_ = Stage::closed;
  instance_.service().on_close(*this, CloseReason::restart);
  state.reset();
}

void Channel::go_on(const ChannelState& saved) noexcept {
  stage_ = Stage::open;
  messages_ = saved.messages;
}

// ---- Replies ----

void Channel::reply(Bytes payload) {
  if (!is_open()) return;
  if (request_ == nullptr) return send_unasked(payload);
  const Frame& request = *std::exchange(request_, nullptr);
  conversation_.send({.type = FrameType::reply,
                      .line_end = request.line_end,
                      .channel = id_,
                      .request_id = request.request_id,
                      .payload = payload});
}

void Channel::reply_text(std::string_view utf8) { reply(encoded(utf8)); }

void Channel::send_unasked(Bytes payload) {
  conversation_.send({.type = FrameType::message,
                      .line_end = conversation_.own_line_end(),
                      .channel = id_,
                      .payload = payload});
}

// A text client that was promised a body must not take an end for an empty one.
std::uint32_t Channel::defer() {
  if (!deferred_) deferred_ = std::make_unique<Deferred>();
  deferred_->pending.push_back(request_->request_id);
  request_ = nullptr;
  is_streaming_ = conversation_.is_text();
  conversation_.add_pending_reply();
  return deferred_->pending.back();
}

// False: the request has its reply already, or the channel is closed.
bool Channel::settle(std::uint32_t request) {
  if (!deferred_) return false;
  std::vector<std::uint32_t>& pending = deferred_->pending;
  const auto found = std::find(pending.begin(), pending.end(), request);
  if (found == pending.end()) return false;
  pending.erase(found);
  conversation_.drop_pending_replies(1);
  return true;
}

void Channel::answer(std::uint32_t request, FrameType type, Bytes payload) {
  if (settle(request)) answer_part(request, type, payload);
}

void Channel::answer_part(std::uint32_t request, FrameType type, Bytes payload) {
  if (!is_open()) return;
  conversation_.send({.type = type, .channel = id_, .request_id = request, .payload = payload});
}

void Channel::refuse(std::uint32_t request, RequestError error, std::string_view sentence) {
  if (!settle(request)) return;
  is_streaming_ = false;
  if (!conversation_.is_framed()) return close(close_reason_of(error));
  conversation_.send_error(id_, request, error, sentence);
}

void Channel::refuse_pending(CloseReason reason) {
  if (!deferred_) return;
  for (const std::uint32_t request : deferred_->pending)
    conversation_.send_error(id_, request, reason);
}

// ---- Bodies ----

void Channel::send_body(std::uint32_t request, std::unique_ptr<BodySource> body) {
  if (!is_open() || !deferred_) return;
  deferred_->body = std::move(body);
  deferred_->body_request = request;
  call_when_writable();
}

// One piece. The source may close the channel from within, so it is held here meanwhile.
void Channel::pull_body() {
  std::unique_ptr<BodySource> body = std::move(deferred_->body);
  BodySource::Piece piece = body->next(BodySource::Means::any);
  std::optional<std::size_t> taken = write_piece(piece);
  if (!taken) {
    piece = body->next(BodySource::Means::bytes);
    taken = write_piece(piece);
  }
  if (piece.state == BodySource::State::ready) piece.state = body->advance(*taken);
  if (piece.state == BodySource::State::over || !is_open()) return;
  if (piece.state == BodySource::State::ready) call_when_writable();
  deferred_->body = std::move(body);
}

// Nothing: the stream cannot send a part of a file.
std::optional<std::size_t> Channel::write_piece(const BodySource::Piece& piece) {
  if (piece.state != BodySource::State::ready) return 0;
  if (piece.file.size > 0) return conversation_.connection().write_through(piece.file);
  return conversation_.write_body(id_, deferred_->body_request, piece.bytes);
}

void Channel::call_when_writable() noexcept {
  wants_turn_ = is_open();
  if (wants_turn_) conversation_.request_channel_turn();
}

// ---- The end ----

void Channel::reject(const char* problem) {
  request_ = nullptr;  // the end is its reply
  if (is_open()) conversation_.leave(CloseReason::protocol_error, problem);
}

void Channel::close(CloseReason reason) {
  if (!is_open()) return;
  if (id_ == 0) return conversation_.connection().close(reason);
  conversation_.send_close(id_, reason);
  finish(reason);
}

void Channel::cut(CloseReason reason) {
  if (is_open()) conversation_.connection().cut(reason);
}

// ---- Questions ----

bool Channel::is_plain() const { return conversation_.is_text(); }
const PeerAddress& Channel::address() const { return conversation_.connection().peer(); }
PeerAddress Channel::told_address() const { return conversation_.connection().told_peer(); }
std::uint64_t Channel::connection_id() const { return conversation_.connection().id(); }

std::string_view Channel::text_of(const Message& message) {
  if (message.encoding == Encoding::utf8 && is_utf8(message.payload)) return message.payload;
  if (message.encoding == Encoding::binary) return message.payload;
  std::string& text = conversation_.connection().context().decoded_text;
  text.clear();
  append_utf8(text, message.payload, message.encoding);
  return text;
}

Bytes Channel::encoded(std::string_view utf8) {
  const Encoding to = conversation_.reply_encoding();
  if (to == Encoding::utf8 || to == Encoding::binary || is_ascii(utf8)) return utf8;
  std::string& out = conversation_.connection().context().encoded_text;
  out.clear();
  append_encoded(out, utf8, to);
  return out;
}

}  // namespace fairlead
