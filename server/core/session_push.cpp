// What a session's pushing services say, and what becomes of a client that does not keep up.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "common/base/planted_bug.hpp"
#include "server/core/session.hpp"

namespace fairlead {
namespace {

// What a Transport is given ahead of what may still be dropped: one gathering write.
constexpr std::size_t kInFlightMax = std::size_t{64} * 1024;

std::size_t in_flight_max(const LimitSettings& limits) {
  return std::min<std::size_t>(kInFlightMax, limits.queue_soft);
}

}  // namespace

// Its clients are judged by what waits for them, and by nothing else; those who are on their way
// out by what they take, as everybody.
bool Session::is_pushed_to() const {
  return has_pusher_ && stage_ == Stage::talking && evicted_for_ == CloseReason::none;
}

bool Session::may_drop() const {
  return context_.settings.limits.slow_policy == SlowPolicy::drop_oldest;
}

// What is pushed makes room for itself, so a client that is slow to take it is still read from: it
// may want to say that it leaves. Replies make none.
std::size_t Session::unpushed_backlog() const {
  const std::size_t queued = transport_->queued_bytes();
  return outbox_->reply_bytes() +
         (queued - std::min(queued, in_flight_max(context_.settings.limits)));
}

void Session::look_who_pushes() {
  const bool before = has_pusher_;
  has_pusher_ = (channel_ && channel_->pushes()) ||
                std::any_of(more_channels_.begin(), more_channels_.end(),
                            [](const auto& one) { return !one->is_closed() && one->pushes(); });
  if (has_pusher_ == before) return;
  behind_since_ = kNever;  // it means something else now
  mark_dirty();
}

// Called by a service that may be walking its peers, in a turn that may be another session's: so it
// closes nobody, and what fails here is for this session's own flush.
void Session::push(const Frame& frame) noexcept {
  if (stage_ != Stage::talking || torn_ || overrun_ || reason_ != CloseReason::none) return;
  mark_pushed();
  const LimitSettings& limits = context_.settings.limits;
  try {
    if (queued_bytes() >= limits.queue_hard) {
      // A turn may push more than that to a client that would take it all.
      offering_ = true;
      transport_->flush();
      const bool has_room = catches_up();
      offering_ = false;
      if (reason_ != CloseReason::none) return;
      overrun_ = !has_room && !may_drop() && !planted(PlantedBug::endless_queue);
      if (overrun_) return;
    }
    if (!may_drop()) return queue(frame, Keep::always);
    if (!outbox_ && transport_->queued_bytes() < in_flight_max(limits))
      return queue(frame, Keep::always);
    if (!outbox_) outbox_ = std::make_unique<Outbox>(context_.pool);
    const std::size_t hard = limits.queue_hard;
    drop_oldest(hard - std::min(hard, frame.payload.size()));
    if (outbox_->empty() && queued_bytes() >= hard) {
      outbox_->miss(frame.channel);  // nothing is left to make room, so this one makes it
      ++context_.counters.messages_dropped;
      return;
    }
    queue(frame, Keep::if_room);
  } catch (...) {
    offering_ = false;
    fail_push();
  }
}

void Session::fail_push() noexcept {
  torn_ = true;
  mark_pushed();
}

// After a flush: passes on what waits behind the Transport's own queue, as long as the kernel takes
// it. True: there is room below queue_hard.
bool Session::catches_up() {
  const std::size_t in_flight = in_flight_max(context_.settings.limits);
  while (outbox_ && stage_ == Stage::talking && transport_->queued_bytes() < in_flight) {
    pass_on_outbox(in_flight);
    transport_->flush();
    if (reason_ != CloseReason::none) break;
  }
  return queued_bytes() < context_.settings.limits.queue_hard;
}

void Session::pass_on_outbox(std::size_t bytes_max) {
  torn_ = true;
  while (transport_->queued_bytes() < bytes_max) {
    tell_of_gaps();
    if (outbox_->empty()) break;
    outbox_->move_front_to(*transport_);
  }
  torn_ = false;
  if (outbox_->empty() && outbox_->gaps().empty()) outbox_.reset();
}

void Session::empty_outbox() { pass_on_outbox(std::numeric_limits<std::size_t>::max()); }

// Where messages are missing stands how many.
void Session::tell_of_gaps() {
  for (const Outbox::Gap& gap : outbox_->gaps()) {
    if (channel(gap.channel) == nullptr) continue;
    std::string words = "error: ";
    words += name_of(CloseReason::slow_consumer);
    words += ": ";
    words += std::to_string(gap.messages);
    words += gap.messages == 1 ? " message was dropped" : " messages were dropped";
    codec()->encode({.type = FrameType::message,
                     .line_end = own_line_end(),
                     .channel = gap.channel,
                     .payload = words},
                    *transport_);
    ++messages_out_;
  }
  outbox_->gaps().clear();
}

// Whole messages only, and no reply: each request has its one answer.
void Session::drop_oldest(std::size_t bytes_max) {
  while (!outbox_->empty() && queued_bytes() > bytes_max) {
    if (outbox_->front_may_drop()) {
      outbox_->drop_front();
      --messages_out_;
      ++context_.counters.messages_dropped;
    } else {
      torn_ = true;
      outbox_->move_front_to(*transport_);
      torn_ = false;
    }
  }
}

// Above queue_hard, or for too long above queue_soft.
void Session::fall_behind() {
  if (!may_drop()) return close(CloseReason::slow_consumer);
  const std::size_t soft = context_.settings.limits.queue_soft;
  if (outbox_) drop_oldest(soft);
  behind_since_ = queued_bytes() > soft ? context_.now : kNever;
  mark_dirty();
}

}  // namespace fairlead
