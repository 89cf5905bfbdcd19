#include "server/core/shard.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "common/base/check.hpp"
#include "common/base/planted_bug.hpp"
#include "server/service/service_table.hpp"

namespace fairlead {
namespace {

// A loop that is late by so much was not merely busy.
constexpr Duration kStallMin{1000};

// What clients get at least, after a stall, to be heard.
constexpr Duration kGrace{1000};

// Bounds of a turn, so that what happens to thousands at once delays nobody else by more than some
// hundred microseconds.
constexpr std::size_t kPushedPerTurn = 64;
constexpr std::size_t kDuePerTurn = 64;

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
  const bool stalled = awaited_ != kNever && own - awaited_ >= kStallMin;
  context_.now =
      std::max(context_.now, stalled && !planted(PlantedBug::stalls_count) ? resume(own) : own);
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

void Shard::go_on() {
  std::swap(context_.unfinished, going_on_);
  for (Session* session : going_on_) session->go_on();
  going_on_.clear();
}

bool Shard::end_turn() {
  flush_all();
  flush_some_pushed();
  keep_to_budget();
  flush_all();
  if (stopping_ && table_.size() == 0 && on_empty) std::exchange(on_empty, nullptr)();
  // What is overdue is due from now on; the wheel would say the moment after its last advance.
  const bool more = !context_.unfinished.empty() || !context_.pushed.empty();
  awaited_ = more ? context_.now : std::max(next_wake(), context_.now);
  return more;
}

// A flush can make a service say more, so the list may grow while it is walked.
void Shard::flush_all() {
  while (Session* session = context_.dirty.take()) {
    if (!session->is_finished()) {
      session->flush();
    } else if (!session->is_pushed()) {
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

void Shard::free(Session& session) {
  const PeerAddress peer = session.peer();
  const bool was_admitted = !is_refusal(session.reason());
  if (session.waits_for_turn()) std::erase(context_.unfinished, &session);
  table_.free(session.slot());
  if (was_admitted && on_session_freed) on_session_freed(peer);
}

// ---- Memory ----

void Shard::keep_to_budget() {
  using Cover = OutputAccount::Cover;
  using Part = OutputBudget::Part;
  if (context_.output.settle() != Cover::whole) budget_.begin_round();
  for (Part part = budget_.part_of(index_); part != Part::nothing; part = budget_.part_of(index_)) {
    if (part == Part::report) {
      report_queues();
    } else {
      end_largest(budget_.take_verdict(index_));
    }
    context_.output.give_back_spare();
  }
  // The others are slow to do their part, and this shard has used up what it may overdraw.
  while (context_.output.settle() == Cover::missing) end_largest(1);
}

void Shard::report_queues() {
  std::vector<std::uint64_t> queues;
  try {
    table_.for_each([&queues](const Session& session) {
      if (session.queued_memory() > 0) queues.push_back(session.queued_memory());
    });
  } catch (const std::bad_alloc&) {
    // The largest of them may be missing now; the next round finds it.
  }
  budget_.report(index_, queues);
}

// Without taking memory, which is what is short.
void Shard::end_largest(std::size_t count) {
  if (count == 0) return;
  const auto count_above = [this](std::uint64_t bytes) {
    std::size_t found = 0;
    table_.for_each(
        [&](const Session& session) { found += session.queued_memory() > bytes ? 1 : 0; });
    return found;
  };
  // The smallest size that no more than `count` are above.
  std::uint64_t low = 0;
  std::uint64_t high = context_.output.used_bytes();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (count_above(middle) <= count) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const std::uint64_t before = context_.output.used_bytes();
  std::size_t of_that_size = count - count_above(low);
  std::size_t ended = 0;
  table_.for_each([&](Session& session) {
    const std::uint64_t bytes = session.queued_memory();
    if (bytes < low || bytes == 0 || (bytes == low && of_that_size == 0)) return;
    if (bytes == low) --of_that_size;
    session.relieve();
    ++ended;
  });
  context_.log.warn("buffer memory limit reached",
                    {field("ended", ended), field("freed", before - context_.output.used_bytes()),
                     field("limit", budget_.bytes_max())});
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
    context_.pushed.reserve(table_.capacity());
    return table_.put(
        slot, std::make_unique<Session>(context_, std::move(transport), listener, peer, id, slot));
  } catch (...) {
    table_.free(slot);
    throw;
  }
}

Shard::Census Shard::census() {
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
