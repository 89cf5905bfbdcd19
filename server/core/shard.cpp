#include "server/core/shard.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/planted_bug.hpp"
#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

// A loop that is late by so much was not merely busy.
constexpr Duration kStallMin{1000};

// Parts of files that one turn gives to the kernel, about a third of a millisecond of copying, so
// that a small reply does not wait behind many downloads. One more piece may come on top.
constexpr std::size_t kOfferedPerTurn = std::size_t{1} << 20;

// What clients get at least, after a stall, to be heard.
constexpr Duration kGrace{1000};

// Bounds of a turn, so that what happens to thousands at once delays nobody else by more than some
// hundred microseconds: a write of what has piled up, or an end, takes some dozens.
constexpr std::size_t kPushedPerTurn = 16;
constexpr std::size_t kDuePerTurn = 16;
constexpr std::size_t kRelievedPerTurn = 16;

}  // namespace

ServiceInstance& ShardContext::service(const ServiceSettings& wanted) {
  const auto found =
      std::find_if(services.begin(), services.end(),
                   [&wanted](const auto& instance) { return &instance->settings == &wanted; });
  FAIRLEAD_CHECK(found != services.end());
  return **found;
}

Shard::Shard(const Environment& environment, TimePoint now, std::uint32_t index,
             std::uint32_t shards)
    : context_{.settings = environment.settings,
               .transcript = environment.transcript,
               .log = environment.log,
               .session_log = environment.session_log,
               .wheel = TimerWheel(now),
               .now = now,
               .output = OutputAccount(environment.output)},
      budget_(environment.output),
      next_id_(index + 1),
      index_(index),
      id_step_(shards) {
  context_.lingering.reserve(kLingeringMax);
  for (const auto& settings : environment.settings.services) {
    const ServiceType* type = service_type_named(settings->type);
    FAIRLEAD_CHECK(type != nullptr);
    context_.services.push_back(std::make_unique<ServiceInstance>(
        *settings, *type, environment.transcript, environment.files, context_.now));
  }
}

Shard::~Shard() = default;

// ---- Time ----

void Shard::begin_turn(TimePoint now) {
  const TimePoint own = now - skipped_;
  context_.offered_bytes = 0;
  const bool stalled = awaited_ != kNever && own - awaited_ >= kStallMin;
  context_.now =
      std::max(context_.now, stalled && !planted(PlantedBug::stalls_count) ? resume(own) : own);
  may_go_on_ = context_.unfinished.size();
}

// This turn is far too late: the daemon was stopped, or starved. What clients have sent meanwhile
// still waits in the kernel, and nobody is to be thrown out for what could not be heard. So the gap
// does not count, and every deadline is a moment away, for which time may stand still; but only
// once for each, or a daemon that is always late would never end anybody.
TimePoint Shard::resume(TimePoint late) {
  const TimePoint at = forgiven_ == awaited_ ? awaited_ : awaited_ - kGrace;
  forgiven_ = awaited_;
  skipped_ += late - at;
  ++context_.counters.stalls;
  context_.log.warn("stalled", {field("ms", (late - awaited_).count())});
  return at;
}

TimePoint Shard::next_wake() const {
  TimePoint soonest = context_.wheel.next_due().value_or(kNever);
  for (const auto& one : context_.services) soonest = std::min(soonest, one->due());
  return std::min(soonest, next_eviction());
}

std::optional<TimePoint> Shard::next_due() const {
  const TimePoint wake = next_wake();
  if (wake == kNever) return std::nullopt;
  return wake + skipped_;
}

void Shard::on_timer() {
  context_.wheel.advance(
      context_.now, [](WheelEntry& entry) { static_cast<Session&>(entry).on_due(); }, kDuePerTurn);
  for (std::size_t i = 0; i < kDuePerTurn && next_eviction() <= context_.now; ++i) evict_next();
  for (const auto& one : context_.services) {
    try {
      one->wake();
    } catch (const std::exception& failure) {
      context_.log.error("service failed",
                         {field("service", one->settings.name), field("what", failure.what())});
    } catch (...) {
      context_.log.error("service failed", {field("service", one->settings.name)});
    }
  }
}

// ---- Turns ----

// At most so many bytes of files; the rest is first in the next turn, and meanwhile the others are
// heard.
bool Shard::go_on() {
  if (may_go_on_ == 0) return false;
  --may_go_on_;
  Session& session = *context_.unfinished.take();
  session.leave_unfinished();
  if (session.is_finished()) {
    free(session);
  } else {
    session.go_on();
  }
  return may_go_on_ > 0 && context_.offered_bytes < kOfferedPerTurn;
}

bool Shard::end_turn() {
  flush_all();
  flush_some_pushed();
  keep_to_budget();
  flush_all();
  if (stopping_ && table_.size() == 0 && on_empty) std::exchange(on_empty, nullptr)();
  // What is overdue is due from now on; the wheel would say the moment after its last advance.
  const bool more = !context_.unfinished.empty() || !context_.pushed.empty() || relief_;
  awaited_ = more ? context_.now : std::max(next_wake(), context_.now);
  return more;
}

// A flush can make a service say more, so the list may grow while it is walked.
void Shard::flush_all() {
  while (Session* session = context_.dirty.take()) {
    if (!session->is_finished()) {
      session->flush();
    } else {
      free(*session);
    }
  }
}

// One push may be for thousands. Those who have asked something are served in between.
void Shard::flush_some_pushed() {
  for (std::size_t i = 0; i < kPushedPerTurn; ++i) {
    Session* const session = context_.pushed.take();
    if (session == nullptr) return;
    session->leave_pushed();
    if (session->is_finished()) {
      free(*session);
    } else {
      session->flush();
    }
  }
}

// Unless it still has a place in a list: whoever takes it from there comes here again.
void Shard::free(Session& session) {
  if (session.is_awaited()) return;
  const PeerAddress peer = session.peer();
  const bool was_admitted = session.was_admitted();
  table_.free(session.slot());
  if (was_admitted && on_session_freed) on_session_freed(peer);
}

// ---- Memory ----

void Shard::keep_to_budget() {
  using Cover = OutputAccount::Cover;
  using Part = OutputBudget::Part;
  if (context_.output.settle() != Cover::whole && !relief_) budget_.begin_round();
  for (Part part = budget_.part_of(index_); part != Part::nothing; part = budget_.part_of(index_)) {
    if (part == Part::report) {
      report_queues();
    } else {
      begin_relief(budget_.take_verdict(index_));
    }
  }
  for (std::size_t i = 0; i < kRelievedPerTurn && relief_; ++i) relieve_next();
  // The others are slow to do their part, and this shard has used up what it may overdraw.
  while (context_.output.settle() == Cover::missing) {
    if (!relief_) begin_relief(1);
    relieve_next();
  }
}

void Shard::report_queues() {
  std::vector<std::uint64_t> queues;
  try {
    context_.output.for_each([&queues](std::uint64_t bytes) { queues.push_back(bytes); });
  } catch (const std::bad_alloc&) {
    // The largest of them may be missing now; the next round finds it.
  }
  budget_.report(index_, queues);
}

// Finds how large the `count` largest are, without taking memory, which is what is short: each walk
// narrows it down to a 256th.
void Shard::begin_relief(std::size_t count) {
  end_relief();
  if (count == 0) return;
  Relief relief{.from_bytes = 1, .larger = 0, .equal = 0};
  for (std::uint64_t range = context_.output.used_bytes(); range > 1;) {
    constexpr std::size_t kParts = 256;
    const std::uint64_t part = (range + kParts - 1) / kParts;
    std::array<std::size_t, kParts> found{};
    context_.output.for_each([&](std::uint64_t bytes) {
      const std::uint64_t above = bytes - relief.from_bytes;  // of one that is below: far too large
      if (above < range) ++found[above / part];
    });
    std::size_t last = kParts - 1;
    while (last > 0 && relief.larger + found[last] < count) relief.larger += found[last--];
    relief.from_bytes += last * part;
    range = part;
  }
  relief.equal = count - relief.larger;
  relief_ = relief;
}

void Shard::relieve_next() {
  Relief& relief = *relief_;
  const OutputAccount& output = context_.output;
  while ((relief.slot = output.next(relief.slot, relief.from_bytes)) < output.slots()) {
    const std::uint32_t slot = relief.slot++;
    const std::uint64_t bytes = output.bytes_of(slot);
    std::size_t& left = bytes > relief.from_bytes ? relief.larger : relief.equal;
    if (left == 0) continue;
    --left;
    table_.at(slot).relieve();
    ++relief.ended;
    relief.freed_bytes += bytes;
    if (relief.larger + relief.equal > 0) return;
    break;
  }
  end_relief();
}

void Shard::end_relief() {
  if (!relief_) return;
  context_.output.give_back_spare();
  context_.log.warn("buffer memory limit reached",
                    {field("ended", relief_->ended), field("freed", relief_->freed_bytes),
                     field("limit", budget_.bytes_max())});
  relief_.reset();
}

// ---- Sessions ----

void Shard::accept(std::unique_ptr<Transport> transport, const ListenerSettings& listener,
                   const PeerAddress& peer, CloseReason refused) {
  const std::uint64_t id = next_id_;
  next_id_ += id_step_;
  ++context_.counters.accepted;
  Session* session = nullptr;
  try {
    session = &make_session(std::move(transport), listener, peer, id);
  } catch (const std::exception& failure) {
    const CloseReason reason = refused == CloseReason::none ? CloseReason::internal_error : refused;
    ++context_.counters.closed[static_cast<std::size_t>(reason)];
    context_.log.error("session failed", {field("id", id), field("listener", listener.name),
                                          field("what", failure.what())});
    context_.session_log.info("session", {field("id", id), field("listener", listener.name),
                                          field("reason", name_of(reason))});
    if (!is_refusal(reason) && on_session_freed) on_session_freed(peer);
    return;
  }
  ++context_.counters.open;
  session->start(refused);
}

Session& Shard::make_session(std::unique_ptr<Transport> transport, const ListenerSettings& listener,
                             const PeerAddress& peer, std::uint64_t id) {
  const std::uint32_t slot = table_.reserve_slot();
  try {
    context_.dirty.reserve(table_.capacity());
    context_.output.reserve(table_.capacity());
    context_.pushed.reserve(table_.capacity());
    context_.unfinished.reserve(table_.capacity());
    return table_.put(
        slot, std::make_unique<Session>(context_, std::move(transport), listener, peer, id, slot));
  } catch (...) {
    table_.free(slot);
    throw;
  }
}

Census Shard::census() {
  Census census;
  table_.for_each([&census](const Session& session) {
    if (!session.is_talking()) return;
    ++(session.is_text()     ? census.text
       : session.is_len32()  ? census.len32
       : session.is_framed() ? census.framed
                             : census.undecided);
  });
  return census;
}

Counters Shard::report() {
  Counters sum = context_.counters;
  table_.for_each([&sum](const Session& session) {
    if (!session.is_counted()) session.add_traffic(sum);
  });
  return sum;
}

// ---- The end ----

void Shard::begin_drain() {
  stopping_ = context_.draining = true;
  table_.for_each([](Session& session) { session.begin_drain(); });
}

void Shard::evict_all(CloseReason reason) {
  stopping_ = true;
  if (context_.stopping_since == kNever) context_.stopping_since = context_.now;
  table_.for_each([reason](Session& session) { session.evict(reason); });
}

void Shard::evict_over(Duration time, CloseReason reason) {
  stopping_ = true;
  std::int64_t sessions = 0;
  table_.for_each(
      [&sessions](const Session& session) { sessions += session.is_talking() ? 1 : 0; });
  if (sessions > 0) evictions_ = Evictions{context_.now, time, reason, sessions};
}

TimePoint Shard::next_eviction() const {
  if (!evictions_) return kNever;
  const Evictions& all = *evictions_;
  return all.begun + all.time * (all.done + 1) / all.sessions;
}

void Shard::evict_next() {
  Evictions& all = *evictions_;
  Session* next = table_.next(all.slot);
  while (next != nullptr && !next->is_talking()) next = table_.next(all.slot);
  if (next != nullptr) next->evict(all.reason);
  if (next == nullptr || ++all.done == all.sessions) evictions_.reset();
}

}  // namespace fairlead
