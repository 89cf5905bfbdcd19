#include "client/bench/engine/request_connection.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// Of one write: what is queued for a peer that does not read is bounded by this, or a message.
constexpr std::size_t kWriteBytesMax = 256 * std::size_t{1024};

}  // namespace

// ---- A connection for each operation ----

void RequestConnection::work() {
  if (!plan().connects_each) return send_what_is_due();
  if (is_closed() && owes()) open();
}

void RequestConnection::reopen() {
  if (!plan().connects_each) return open();
  got_room(scope().clock.now(), true);
  work();
}

void RequestConnection::on_opening(BenchTime now) {
  if (!plan().connects_each) return;
  begin_operation();
  sent_at(now, 1, room_since_, room_by_reply_);
}

void RequestConnection::on_open() {
  is_blocked_ = false;
  uses_left_ = plan().uses_of_a_connection;
  on_first_request();
  if (plan().connects_each) return send_only_one();
  got_room(scope().clock.now(), false);
  send_what_is_due();
}

void RequestConnection::send_only_one() {
  --uses_left_;
  if (sends()) {
    newest_request_ = send_request(ring().front().of_connection);
    connection().flush();
  }
  if (is_open()) sent_all(scope().clock.now());
}

// ---- Many operations on a connection ----

void RequestConnection::send_what_is_due() {
  if (!is_open()) return;
  const std::uint64_t count = may_send();
  for (std::uint64_t i = 0; i < count; ++i)
    newest_request_ = send_request(begin_operation().of_connection);
  uses_left_ -= count;
  had_room_ = has_room();
  if (count == 0) return;
  const BenchTime now = scope().clock.now();
  sent_at(now, count, room_since_, room_by_reply_);
  connection().flush();
  if (is_open()) sent_all(now);
}

// How many requests the next write is made of.
std::uint64_t RequestConnection::may_send() const noexcept {
  if (is_blocked_) return 0;
  const std::uint64_t of_a_write =
      std::max<std::uint64_t>(1, kWriteBytesMax / std::max<std::size_t>(1, request_bytes_max()));
  return std::min({of_a_write, owed(), uses_left_, std::uint64_t{ring().free()}});
}

void RequestConnection::got_room(BenchTime now, bool by_reply) noexcept {
  had_room_ = true;
  room_since_ = now;
  room_by_reply_ = by_reply;
}

// What is on its way has been offered to the kernel.
void RequestConnection::sent_all(BenchTime now) {
  count_bytes_out(now);
  is_blocked_ = connection().queued_bytes() > 0;
  if (is_blocked_) {
    had_room_ = false;
    scope().recorder.held_by_socket(now);
  } else if (!awaits_reply()) {
    finish_unanswered(now);
  } else if (owes() && has_room()) {
    call_again();
  }
}

// Nothing is to come for what has left.
void RequestConnection::finish_unanswered(BenchTime now) {
  for (; !ring().empty(); ring().pop()) scope().recorder.done(ring().front(), now);
  if (is_used_up()) return replace();
  got_room(now, false);
  if (owes()) call_again();
  tell_settled();
}

void RequestConnection::on_room() {
  if (!std::exchange(is_blocked_, false)) return;
  const BenchTime now = scope().clock.now();
  got_room(now, false);
  if (!awaits_reply()) return finish_unanswered(now);
  send_what_is_due();
}

// ---- Replies ----

void RequestConnection::on_replies_end() {
  if (is_used_up() && ring().empty()) return replace();
  if (!had_room_ && has_room()) got_room(delivered_at(), true);
  send_what_is_due();
}

// Request ids rise by one from request to request.
std::size_t RequestConnection::index_of_request(std::uint32_t request_id) noexcept {
  const std::uint32_t behind = newest_request_ - request_id;
  const bool waits = behind < ring().size() && !ring()[ring().size() - 1 - behind].is_answered;
  return waits ? ring().size() - 1 - behind : ring().size();
}

void RequestConnection::refused(std::uint32_t request_id) {
  const std::size_t which = index_of_request(request_id);
  if (which == ring().size()) return;
  scope().recorder.failed(BenchError::request_refused, scope().recorder.began(ring()[which]),
                          delivered_at());
  over(which);
}

}  // namespace fairlead
