#include "client/bench/engine/message_connection.hpp"

namespace fairlead {

// ---- Sending ----

std::uint32_t MessageConnection::send_request(std::uint64_t of_connection) {
  return connection().send(message_of(of_connection, scope().scratch), channel());
}

bool MessageConnection::awaits_reply() const {
  return is_greeted() || (plan().has_message && plan().expectation.awaits_reply());
}

// ---- Replies ----

void MessageConnection::on_reply(const Frame& frame) {
  const Protocol protocol = plan().load.connection.protocol;
  if (plan().load.mode == BenchMode::idle || !awaits_reply()) return;
  if (!plan().expectation.awaits_reply()) {  // any greeting is one
    if (!ring().empty()) answered(0);
  } else if (protocol == Protocol::framed) {
    on_framed(frame);
  } else if (ring().empty()) {
    on_unasked(frame.payload);
  } else if (protocol == Protocol::text && plan().expectation.reply_is_stream()) {
    on_stream(frame.payload);
  } else {
    on_whole(0, frame.payload);
  }
}

// Plain text: replies follow each other, and only their length tells them apart.
void MessageConnection::on_stream(Bytes delivery) {
  while (!delivery.empty()) {
    if (ring().empty()) return on_unasked(delivery);
    const Bytes message = message_of(ring().front().of_connection, scope().scratch);
    const StreamCheck check = plan().expectation.check_stream(delivery, message, received_);
    if (check.state == StreamCheck::State::wrong) {
      const std::string came = plan().expectation.came(delivery, message, received_);
      return wrong(belongs_to_another(came) ? MismatchKind::order : MismatchKind::content, 0, came);
    }
    received_ += check.consumed;
    if (check.state == StreamCheck::State::more) return;
    received_ = 0;
    answered(0);
    delivery.remove_prefix(check.consumed);
  }
}

void MessageConnection::on_framed(const Frame& frame) {
  const bool is_about_channel = frame.request_id == 0 && frame.channel != 0;
  switch (frame.type) {
    case FrameType::reply: {
      const std::size_t which = index_of_request(frame.request_id);
      if (which == outstanding()) return on_unasked(frame.payload);
      return on_whole(which, frame.payload);
    }
    case FrameType::message:
      if (!is_greeted() || ring().empty()) return on_unasked(frame.payload);
      return on_whole(0, frame.payload);
    case FrameType::error:
      if (frame.request_id != 0) return refused(frame.request_id);
      [[fallthrough]];
    case FrameType::close:
      if (!is_about_channel) return;  // the end of the connection follows, and counts
      fail_all(BenchError::turned_away, BenchError::turned_away, delivered_at());
      return give_up();
    default:
      return;
  }
}

void MessageConnection::on_whole(std::size_t which, Bytes reply) {
  const Bytes message = message_of(ring()[which].of_connection, scope().scratch);
  auto problem = plan().expectation.check_whole(reply, message);
  const bool is_framed = plan().load.connection.protocol == Protocol::framed;
  const bool is_out_of_order =
      is_framed ? !problem && which > 0 : problem && belongs_to_another(reply);
  if (is_out_of_order) problem = MismatchKind::order;
  if (problem) return wrong(*problem, which, reply);
  answered(which);
}

// ---- What is wrong with them ----

bool MessageConnection::belongs_to_another(Bytes came) {
  for (std::size_t i = 1; i < ring().size(); ++i) {
    const Bytes other = message_of(ring()[i].of_connection, scope().scratch_of_other);
    if (plan().expectation.is_order_mismatch(came, other)) return true;
  }
  return false;
}

void MessageConnection::on_unasked(Bytes came) {
  const MessageKey key = plan().key(index(), next_of_connection());
  scope().recorder.mismatched(plan().expectation.mismatch(MismatchKind::unasked, key, {}, came),
                              delivered_at(), delivered_at());
  if (plan().load.connection.protocol == Protocol::text) give_up();
}

void MessageConnection::wrong(MismatchKind kind, std::size_t which, Bytes came) {
  const Outstanding one = ring()[which];
  const MessageKey key = plan().key(index(), one.of_connection);
  const Bytes message = message_of(one.of_connection, scope().scratch);
  scope().recorder.mismatched(plan().expectation.mismatch(kind, key, message, came),
                              scope().recorder.began(one), delivered_at());
  over(which);
  // In plain text nobody knows, behind a wrong reply, where the next one begins.
  if (plan().load.connection.protocol == Protocol::text) give_up();
}

}  // namespace fairlead
