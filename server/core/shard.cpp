#include "server/core/shard.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "common/base/check.hpp"

namespace fairlead {
namespace {

// A turn that begins so late was not merely behind others: the daemon did not run.
constexpr Duration kStallMin{1000};

// A shard with nothing to do looks at the clock so often, or it would not notice a stall.
constexpr Duration kBeat{1000};

// What clients get at least, after a stall, to be heard.
constexpr Duration kStallGrace{1000};

// Bodies that one turn gives to the kernel, about a third of a millisecond of copying, so that a
// small reply does not wait behind many downloads. One more piece may come on top.
constexpr std::size_t kBodyBytesPerTurn = std::size_t{1} << 20;

// Deadlines, and evictions, of one turn: an end takes some dozens of microseconds, and thousands
// may be due at once.
constexpr std::size_t kDuePerTurn = 16;

// Connections that look at their time-outs anew in one turn, behind a reload: some ten microseconds
// for a hundred.
constexpr std::size_t kRefreshedPerTurn = 1000;

}  // namespace

Shard::Shard(const Environment& environment, TimePoint now, std::uint32_t shards)
    : context_{.settings = environment.settings,
               .log = environment.log,
               .session_log = environment.session_log,
               .begin_conversation = environment.begin_conversation,
               .wheel = TimerWheel(now),
               .now = now,
               .output = OutputBudget(environment.settings->limits.max_buffer_memory / shards)},
      shards_(shards),
      transcript_(environment.transcript),
      files_(environment.files),
      last_id_(environment.last_id) {
  context_.lingering.reserve(kLingeringMax);
  service_sets_.push_back(make_services(environment.settings));
  services_ = service_sets_.back()->services();
}

Shard::~Shard() = default;

// ---- Time ----

void Shard::begin_turn(TimePoint now) {
  const TimePoint own = now - skipped_;
  context_.body_bytes = 0;
  const bool has_stalled = turn_due_ != kNever && own - turn_due_ >= kStallMin;
  context_.now = std::max(context_.now, has_stalled ? discount_stall(own) : own);
  turns_left_ = context_.deferred.size();
}

// The daemon was stopped, or starved. What clients have sent meanwhile still waits in the kernel,
// and no client is to end for what could not be heard. So the gap does not count, and every
// deadline is a moment away, for which time may stand still; but not twice within such a moment, or
// a daemon that is always late would never end anybody.
TimePoint Shard::discount_stall(TimePoint late) {
  const bool is_one_of_many = context_.now < discounted_at_ + kStallGrace;
  const TimePoint at = is_one_of_many ? turn_due_ : turn_due_ - kStallGrace;
  discounted_at_ = std::max(at, context_.now);
  skipped_ += late - at;
  ++context_.counters.stalls;
  context_.log.warn("stalled", {field("ms", (late - turn_due_).count())});
  return at;
}

TimePoint Shard::next_wake() const {
  TimePoint soonest = context_.wheel.next_due().value_or(kNever);
  for (const auto& service : services_) soonest = std::min(soonest, service->due());
  if (refreshed_to_) soonest = context_.now;
  const bool is_over = stopping_ && table_.size() == 0;
  if (!is_over) soonest = std::min(soonest, context_.now + kBeat);
  return std::min(soonest, next_eviction());
}

std::optional<TimePoint> Shard::next_due() const {
  const TimePoint wake = next_wake();
  if (wake == kNever) return std::nullopt;
  return wake + skipped_;
}

void Shard::on_timer() {
  context_.wheel.advance(
      context_.now, [](WheelEntry& entry) { static_cast<Connection&>(entry).on_due(); },
      kDuePerTurn);
  for (std::size_t i = 0; i < kDuePerTurn && next_eviction() <= context_.now; ++i) evict_next();
  refresh_some();
  run_services();
}

// One that nobody talks to, and that no settings offer any more, goes.
void Shard::run_services() {
  std::erase_if(services_, [](const auto& service) { return service.use_count() == 1; });
  for (const auto& service : services_) {
    try {
      service->wake();
    } catch (const std::exception& failure) {
      context_.log.error("service failed", {field("service", service->settings().name),
                                            field("what", failure.what())});
    } catch (...) {
      context_.log.error("service failed", {field("service", service->settings().name)});
    }
  }
}

// ---- Turns ----

// At most so many bytes of bodies; the rest is first in the next turn, and meanwhile the others are
// heard.
bool Shard::run_deferred() {
  if (turns_left_ == 0) return false;
  --turns_left_;
  Connection& connection = *context_.deferred.take();
  connection.take_turn();
  if (connection.is_finished()) free(connection);
  return turns_left_ > 0 && context_.body_bytes < kBodyBytesPerTurn;
}

bool Shard::end_turn() {
  context_.retired.clear();
  flush_all();
  shed_largest();
  report_moves();
  flush_all();
  if (stopping_ && table_.size() == 0 && on_empty) std::exchange(on_empty, nullptr)();
  // What is overdue is due from now on; the wheel would say the moment after its last advance.
  const bool more = !context_.deferred.empty();
  turn_due_ = more ? context_.now : std::max(next_wake(), context_.now);
  return more;
}

// A flush can make a service say more, so the list may grow while it is walked.
void Shard::flush_all() {
  while (Connection* connection = context_.dirty.take()) {
    connection->flush();
    if (connection->is_finished()) free(*connection);
  }
}

// A connection that still has a place in a list is freed by whoever takes it from there.
void Shard::free(Connection& connection) {
  if (!connection.is_listed()) table_.free(connection.slot());
}

// Memory is short: the largest queues go. They are no more than what this turn has queued.
void Shard::shed_largest() {
  if (!context_.output.is_exceeded()) return;
  std::uint64_t shed = 0;
  const std::uint64_t before = context_.output.used_bytes();
  for (; context_.output.is_exceeded(); ++shed) table_.at(context_.output.largest()).shed();
  context_.counters.shed += shed;
  context_.log.warn("buffer memory limit reached",
                    {field("ended", shed), field("freed", before - context_.output.used_bytes()),
                     field("limit", context_.output.bytes_max())});
}

// ---- Connections ----

void Shard::accept(std::unique_ptr<ByteStream> stream, const ListenerSnapshot& listener,
                   const PeerAddress& peer, Admission::Answer admission) {
  const std::uint64_t id = ++last_id_;
  ++context_.counters.accepted;
  const CloseReason refused = admission.refused;
  Connection* connection = nullptr;
  try {
    connection = &make_connection([&](std::uint32_t slot) {
      return std::make_unique<Connection>(context_, std::move(stream), offer_of(*listener), peer,
                                          id, slot, std::move(admission));
    });
  } catch (const std::exception& failure) {
    const CloseReason reason = refused == CloseReason::none ? CloseReason::internal_error : refused;
    return count_failed(*listener, id, reason, failure.what());
  }
  ++context_.counters.open;
  if (context_.log.enabled(Level::debug))
    context_.log.debug("session_begun",
                       {field("id", id), field("listener", listener->name),
                        field("peer", told_text(peer, context_.settings->log.peer))});
  connection->start();
}

void Shard::take_over(std::unique_ptr<ByteStream> stream, const ListenerSnapshot& listener,
                      const SessionState& state, AdmissionUnit unit) {
  ++context_.counters.taken_over;
  Connection* connection = nullptr;
  try {
    connection = &make_connection([&](std::uint32_t slot) {
      return std::make_unique<Connection>(context_, std::move(stream), offer_of(*listener), state,
                                          slot, std::move(unit));
    });
  } catch (const std::exception& failure) {
    return count_failed(*listener, state.id, CloseReason::internal_error, failure.what());
  }
  ++context_.counters.open;
  connection->go_on(state);
}

template <class Make>
Connection& Shard::make_connection(Make&& make) {
  const std::uint32_t slot = table_.reserve_slot();
  try {
    context_.dirty.reserve(table_.capacity());
    context_.output.reserve(table_.capacity());
    context_.deferred.reserve(table_.capacity());
    return table_.put(slot, make(slot));
  } catch (...) {
    table_.free(slot);
    throw;
  }
}

// There is no memory for it.
void Shard::count_failed(const ListenerSettings& listener, std::uint64_t id, CloseReason reason,
                         const char* what) {
  ++context_.counters.closed[static_cast<std::size_t>(reason)];
  context_.log.error("session failed",
                     {field("id", id), field("listener", listener.name), field("what", what)});
  context_.session_log.info("session", {field("id", id), field("listener", listener.name),
                                        field("reason", name_of(reason))});
}

Census Shard::census() {
  Census census;
  table_.for_each([&census](const Connection& connection) {
    if (!connection.is_open()) return;
    switch (connection.kind()) {
      case ConversationKind::undecided:
        ++census.undecided;
        break;
      case ConversationKind::text:
        ++census.text;
        break;
      case ConversationKind::len32:
        ++census.len32;
        break;
      case ConversationKind::framed:
        ++census.framed;
        break;
    }
  });
  return census;
}

Counters Shard::report() {
  Counters sum = context_.counters;
  table_.for_each([&sum](const Connection& connection) {
    if (!connection.is_counted()) connection.add_traffic(sum);
  });
  return sum;
}

// ---- Settings ----

std::shared_ptr<ServiceSet> Shard::make_services(SettingsSnapshot settings) const {
  const ServiceSet* before = service_sets_.empty() ? nullptr : service_sets_.back().get();
  return std::make_shared<ServiceSet>(
      std::move(settings), ServiceSet::Environment{transcript_, files_, context_.now}, before);
}

OfferSnapshot Shard::offer_of(const ListenerSettings& listener) const {
  for (const auto& services : service_sets_)
    if (const ListenerOffer* offer = services->offer_of(listener); offer != nullptr)
      return OfferSnapshot(services, offer);
  FAIRLEAD_CHECK(false);  // no listener outlives its settings
  return nullptr;
}

std::string Shard::prepare_settings(SettingsSnapshot settings) {
  try {
    auto services = make_services(settings);
    services_.reserve(services_.size() + services->services().size());
    service_sets_.reserve(service_sets_.size() + 1);
    prepared_ = Prepared{std::move(settings), std::move(services)};
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

void Shard::use_settings() {
  FAIRLEAD_CHECK(prepared_.has_value());
  is_user_timeout_changed_ |=
      prepared_->settings->user_timeout() != context_.settings->user_timeout();
  context_.settings = std::move(prepared_->settings);
  context_.output.limit(context_.settings->limits.max_buffer_memory / shards_);
  for (const auto& service : prepared_->services->services())
    if (std::ranges::find(services_, service) == services_.end()) services_.push_back(service);
  service_sets_.push_back(std::move(prepared_->services));
  prepared_.reset();
  refreshed_to_ = 0;
}

// Services that are as in the settings in use are shared with them.
std::string Shard::add_older_settings(SettingsSnapshot settings) {
  try {
    auto services = make_services(std::move(settings));
    services_.reserve(services_.size() + services->services().size());
    service_sets_.insert(service_sets_.begin(), services);
    for (const auto& service : services->services())
      if (std::ranges::find(services_, service) == services_.end()) services_.push_back(service);
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

void Shard::forget_old_settings() {
  service_sets_.erase(service_sets_.begin(), service_sets_.end() - 1);
}

void Shard::refresh_some() {
  for (std::size_t i = 0; refreshed_to_ && i < kRefreshedPerTurn; ++i) {
    Connection* const next = table_.next(*refreshed_to_);
    if (next != nullptr) {
      next->refresh(is_user_timeout_changed_);
    } else {
      refreshed_to_.reset();
      is_user_timeout_changed_ = false;
    }
  }
}

// ---- The end ----

void Shard::begin_drain(CloseReason reason) {
  stopping_ = true;
  context_.draining_for = reason;
  table_.for_each([](Connection& connection) { connection.begin_drain(); });
}

void Shard::evict_all(CloseReason reason) {
  stopping_ = true;
  if (context_.stopping_since == kNever) context_.stopping_since = context_.now;
  table_.for_each([reason](Connection& connection) { connection.evict(reason); });
}

void Shard::cut_all(CloseReason reason) {
  stopping_ = true;
  table_.for_each([reason](Connection& connection) { connection.cut(reason); });
}

void Shard::evict_over(Duration time, CloseReason reason) {
  stopping_ = true;
  std::int64_t connections = 0;
  table_.for_each([&connections](const Connection& connection) {
    connections += connection.is_open() ? 1 : 0;
  });
  if (connections > 0) evictions_ = Evictions{context_.now, time, reason, connections};
}

TimePoint Shard::next_eviction() const {
  if (!evictions_) return kNever;
  const Evictions& all = *evictions_;
  return all.begun + all.time * (all.done + 1) / all.connections;
}

void Shard::evict_next() {
  Evictions& all = *evictions_;
  Connection* next = table_.next(all.slot);
  while (next != nullptr && !next->is_open()) next = table_.next(all.slot);
  if (next != nullptr) next->evict(all.reason);
  if (next == nullptr || ++all.done == all.connections) evictions_.reset();
}

}  // namespace fairlead
