#include "server/core/shard.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"
#include "server/service/service_table.hpp"

namespace fairlead {

ServiceInstance& ShardContext::service(const ServiceSettings& wanted) {
  const auto found =
      std::find_if(services.begin(), services.end(),
                   [&wanted](const auto& instance) { return &instance->settings == &wanted; });
  FAIRLEAD_CHECK(found != services.end());
  return **found;
}

Shard::Shard(const Environment& environment, TimePoint now, std::uint32_t index,
             std::uint32_t shards)
    : service_environment_{environment.transcript, environment.files},
      context_{.settings = environment.settings,
               .transcript = environment.transcript,
               .log = environment.log,
               .session_log = environment.session_log,
               .wheel = TimerWheel(now),
               .now = now},
      next_id_(index + 1),
      id_step_(shards) {
  for (const auto& settings : environment.settings.services) {
    const ServiceType* type = service_type_named(settings->type);
    FAIRLEAD_CHECK(type != nullptr);
    context_.services.push_back(
        std::make_unique<ServiceInstance>(*settings, type->make(*settings, service_environment_)));
  }
}

Shard::~Shard() = default;

void Shard::begin_turn(TimePoint now) { context_.now = now; }

void Shard::on_timer() {
  context_.wheel.advance(context_.now,
                         [](WheelEntry& entry) { static_cast<Session&>(entry).on_due(); });
}

void Shard::go_on() {
  std::swap(context_.unfinished, going_on_);
  for (Session* session : going_on_) session->go_on();
  going_on_.clear();
}

bool Shard::end_turn() {
  // A flush can make a service say more, so the list may grow while it is walked.
  for (std::size_t i = 0; i < context_.dirty.size(); ++i) context_.dirty[i]->flush();
  context_.dirty.clear();

  for (Session* session : context_.finished) {
    const PeerAddress peer = session->peer();
    const bool was_admitted = !is_refusal(session->reason());
    if (session->waits_for_turn()) std::erase(context_.unfinished, session);
    table_.free(session->slot());
    if (was_admitted && on_session_freed) on_session_freed(peer);
  }
  context_.finished.clear();
  if (context_.draining && table_.size() == 0 && on_empty) std::exchange(on_empty, nullptr)();
  return !context_.unfinished.empty();
}

std::optional<TimePoint> Shard::next_due() const { return context_.wheel.next_due(); }

void Shard::accept(std::unique_ptr<Transport> transport, const ListenerSettings& listener,
                   const PeerAddress& peer, CloseReason refused) {
  const std::uint32_t slot = table_.reserve_slot();
  Session& session = table_.put(slot, std::make_unique<Session>(context_, std::move(transport),
                                                                listener, peer, next_id_, slot));
  next_id_ += id_step_;
  ++context_.counters.accepted;
  ++context_.counters.open;
  session.start(refused);
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

void Shard::begin_drain() {
  context_.draining = true;
  table_.for_each([](Session& session) { session.begin_drain(); });
}

void Shard::evict_all(CloseReason reason) {
  context_.stopping = true;
  table_.for_each([reason](Session& session) { session.evict(reason); });
}

}  // namespace fairlead
