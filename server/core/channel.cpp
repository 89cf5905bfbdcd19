#include "server/core/channel.hpp"

#include <algorithm>
#include <limits>

#include "common/text/escape.hpp"
#include "server/core/service_instance.hpp"
#include "server/core/session.hpp"

namespace fairlead {

void Channel::open() {
  stage_ = Stage::open;
  if (!instance_.settings.greeting.empty()) push_text(instance_.settings.greeting);
  if (is_open()) instance_.service->on_open(*this);
}

void Channel::handle(const Frame& request, Encoding encoding) {
  if (messages_ < std::numeric_limits<std::uint32_t>::max()) ++messages_;
  const Message message{request.payload, encoding, request.type};
  if (!instance_.on_message.empty() && !is_file_request(request.type)) {
    transcribe(instance_.on_message, text_of(message), message.payload.size());
  }
  request_ = &request;
  instance_.service->on_message(*this, message);
  // A framed client waits for one answer to each request, also where the service has nothing to
  // say.
  if (request_ != nullptr && is_open() && session_.is_framed()) reply({});
  request_ = nullptr;
  close_after_enough();
}

void Channel::close_after_enough() {
  const bool enough =
      instance_.settings.close_after != 0 && messages_ >= instance_.settings.close_after;
  if (enough && owed_.empty()) close(CloseReason::close_after);
}

void Channel::on_writable() {
  wants_writable_ = false;
  if (!is_open()) return;
  instance_.service->on_writable(*this);
  close_after_enough();
}

void Channel::finish(CloseReason reason) noexcept {
  if (stage_ == Stage::closed) return;
  const bool was_open = is_open();
  stage_ = Stage::closed;
  wants_writable_ = false;
  session_.forgive(owed_.size());
  owed_.clear();
  if (was_open) instance_.service->on_close(*this, reason);
  state.reset();
  if (instance_.on_close.empty()) return;
  try {
    transcribe(instance_.on_close, {}, 0);
  } catch (const std::exception&) {
    // The transcript is short of a line; the end goes on.
  }
}

void Channel::transcribe_connect() {
  if (!instance_.on_connect.empty()) transcribe(instance_.on_connect, {}, 0);
}

void Channel::transcribe(const TextTemplate& line, std::string_view text, std::uint64_t len) {
  const std::string shown = escaped(text);
  std::string rendered;
  line.render(rendered, {.text = shown, .len = len, .peer = address(), .id = connection_id()});
  session_.context().transcript.print(rendered);
}

void Channel::reply(Bytes payload) {
  if (!is_open()) return;
  Frame frame{.type = FrameType::message, .channel = id_, .payload = payload};
  if (request_ != nullptr) {
    frame.type = FrameType::reply;
    frame.line_end = request_->line_end;
    frame.request_id = request_->request_id;
    request_ = nullptr;
  } else {
    frame.line_end = session_.own_line_end();
  }
  session_.send(frame);
}

void Channel::reply_text(std::string_view utf8) { reply(encoded(utf8)); }

void Channel::push(Bytes payload) {
  if (!is_open()) return;
  const Frame frame{.type = FrameType::message,
                    .line_end = session_.own_line_end(),
                    .channel = id_,
                    .payload = payload};
  if (pushes()) return session_.push(frame);
  session_.send(frame);
}

void Channel::push_text(std::string_view utf8) {
  if (!pushes()) return push(encoded(utf8));
  try {
    push(encoded(utf8));
  } catch (const std::exception&) {
    session_.fail_push();  // it is that client's failure, not the one's who is being served
  }
}

// A text client that was promised a file must not take an end for an empty one.
std::uint32_t Channel::defer() {
  owed_.push_back(request_->request_id);
  request_ = nullptr;
  is_streaming_ = session_.is_text();
  session_.owe();
  return owed_.back();
}

bool Channel::pay(std::uint32_t request) {
  const auto found = std::find(owed_.begin(), owed_.end(), request);
  if (found == owed_.end()) return false;
  owed_.erase(found);
  session_.forgive(1);
  return true;
}

void Channel::answer(std::uint32_t request, FrameType type, Bytes payload) {
  if (pay(request)) answer_part(request, type, payload);
}

void Channel::answer_part(std::uint32_t request, FrameType type, Bytes payload) {
  if (!is_open()) return;
  session_.send({.type = type, .channel = id_, .request_id = request, .payload = payload});
}

void Channel::refuse(std::uint32_t request, CloseReason code, std::string_view why) {
  if (!pay(request)) return;
  is_streaming_ = false;
  if (!session_.is_framed()) return close(code);
  session_.send_error(id_, request, code, why);
}

void Channel::refuse_owed(CloseReason reason) {
  for (const std::uint32_t request : owed_) session_.send_error(id_, request, reason, {});
}

std::size_t Channel::offer(std::uint32_t request, Bytes bytes) {
  return is_open() ? session_.offer(id_, request, bytes) : bytes.size();
}

std::size_t Channel::offer_file(const FilePart& part) {
  return is_open() ? session_.offer_file(part) : 0;
}

bool Channel::awaits_room() const noexcept { return session_.awaits_room(); }

void Channel::call_when_writable() noexcept {
  wants_writable_ = is_open();
  if (wants_writable_) session_.want_writable();
}

void Channel::reject(const char* problem) {
  request_ = nullptr;  // the end is its answer
  if (is_open()) session_.leave(CloseReason::protocol_error, problem);
}

void Channel::close(CloseReason reason) {
  if (!is_open()) return;
  if (id_ == 0) return session_.close(reason);
  session_.send_close(id_, reason);
  finish(reason);
}

void Channel::cut(CloseReason reason) {
  if (is_open()) session_.cut(reason);
}

bool Channel::pushes() const noexcept { return instance_.pushes; }
bool Channel::has_files() const noexcept { return instance_.service->has_files(); }

bool Channel::is_plain() const { return session_.is_text(); }
const PeerAddress& Channel::address() const { return session_.peer(); }
std::uint64_t Channel::connection_id() const { return session_.id(); }

std::string_view Channel::text_of(const Message& message) {
  if (message.encoding == Encoding::utf8 && is_utf8(message.payload)) return message.payload;
  if (message.encoding == Encoding::binary) return message.payload;
  std::string& text = session_.context().text;
  text.clear();
  append_utf8(text, message.payload, message.encoding);
  return text;
}

Bytes Channel::encoded(std::string_view utf8) {
  const Encoding to = session_.reply_encoding();
  if (to == Encoding::utf8 || to == Encoding::binary || is_ascii(utf8)) return utf8;
  std::string& out = session_.context().encoded;
  out.clear();
  append_encoded(out, utf8, to);
  return out;
}

}  // namespace fairlead
