#include "tests/support/test_shard.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "server/conversation/detector.hpp"
#include "tests/support/failing_allocations.hpp"

namespace fairlead {

using namespace std::chrono_literals;

ServerSettings default_settings() {
  ServerSettings settings;
  settings.name = "fairlead";
  settings.threads = 1;
  settings.limits.max_message = 1024 * 1024;
  settings.limits.queue_soft = 256 * 1024;
  settings.limits.max_buffer_memory = 256ULL * 1024 * 1024;
  settings.limits.requests_per_turn = 64;
  settings.timeouts = {.idle = 600s,
                       .first_byte = 0s,
                       .message = 30s,
                       .write = 30s,
                       .linger = 2s,
                       .drain = 10s,
                       .lame_duck = 120s};
  return settings;
}

ServiceSettings& add_service(ServerSettings& settings, const std::string& name,
                             const std::string& type) {
  auto& service = *settings.services.emplace_back(std::make_unique<ServiceSettings>());
  service.name = name;
  service.type = type;
  return service;
}

ListenerSettings& add_listener(ServerSettings& settings, ListenerProtocol protocol,
                               const ServiceSettings* service) {
  auto& listener = *settings.listeners.emplace_back(std::make_unique<ListenerSettings>());
  const std::size_t count = settings.listeners.size();
  listener.name = count == 1 ? "main" : "listener" + std::to_string(count);
  listener.protocol = protocol;
  if (service != nullptr) listener.default_service = service->name;
  if (service != nullptr) listener.offered_services = {service->name};
  listener.greet_wait = 100ms;
  return listener;
}

ServerSettings copy_of(const ServerSettings& settings) {
  ServerSettings copy = default_settings();
  copy.version = settings.version + 1;
  copy.name = settings.name;
  copy.threads = settings.threads;
  copy.accept = settings.accept;
  copy.run_dir = settings.run_dir;
  copy.limits = settings.limits;
  copy.timeouts = settings.timeouts;
  copy.socket = settings.socket;
  copy.log = settings.log;
  copy.access = settings.access;
  for (const auto& service : settings.services)
    copy.services.push_back(std::make_unique<ServiceSettings>(*service));
  for (const auto& listener : settings.listeners)
    copy.listeners.push_back(std::make_unique<ListenerSettings>(*listener));
  return copy;
}

ServerSettings settings_for(const std::string& type, ListenerProtocol protocol, Boundary boundary) {
  ServerSettings settings = default_settings();
  ServiceSettings& service = add_service(settings, type, type);
  service.text_rules.boundary = boundary;
  if (type == "reply") service.text = "ok";
  add_listener(settings, protocol, &service);
  return settings;
}

// ---- The client ----

TestClient& TestClient::sends(Bytes bytes) {
  wire.send(bytes);
  shard_->settle();
  return *this;
}

TestClient& TestClient::sends_pieces(const std::vector<Bytes>& pieces) {
  for (const Bytes piece : pieces) sends(piece);
  return *this;
}

TestClient& TestClient::ends() {
  wire.end();
  shard_->settle();
  return *this;
}

TestClient& TestClient::fails(StreamError error) {
  wire.fail(error);
  shard_->settle();
  return *this;
}

TestClient& TestClient::takes(std::size_t bytes) {
  wire.take(bytes);
  shard_->settle();
  return *this;
}

std::string TestClient::news() {
  const std::size_t from = std::exchange(seen_, received().size());
  return received().substr(from);
}

std::size_t TestClient::queued_bytes() const {
  std::size_t bytes = 0;
  shard_->shard().for_each([&](const Connection& connection) {
    if (connection.id() == id_) bytes = connection.queued_bytes();
  });
  return bytes;
}

std::string TestClient::reason() const { return log_field("reason"); }

std::string TestClient::log_field(const std::string& name) const {
  const std::string id = std::to_string(id_);
  for (const auto& event : shard_->session_log.events) {
    if (event.name == "session" && event.fields.at("id") == id) return event.fields.at(name);
  }
  return {};
}

// ---- The loop ----

TestShard::TestShard(ServerSettings settings)
    : settings_(std::make_shared<ServerSettings>(std::move(settings))) {
  shard_ = std::make_unique<Shard>(Shard::Environment{settings_, transcript, files, log,
                                                      session_log, begin_conversation, last_id_},
                                   now_, 1U);
}

TestShard::~TestShard() = default;

void TestShard::turn(const std::function<void()>& work) {
  // A turn that always has a successor is a loop that never sleeps.
  constexpr std::uint64_t kTurnsMax = 20'000'000;
  if (++turns_ > kTurnsMax) throw std::runtime_error("the shard never comes to rest");
  {
    const AllocationsMayFail all;
    shard_->begin_turn(now_);
    work();
    if (shard_->end_turn()) deferred_posted_ = true;
  }
  if (after_turn) after_turn();
}

void TestShard::in_turn(const std::function<void()>& work) {
  turn(work);
  settle();
}

std::string TestShard::reload(ServerSettings settings) {
  auto next = std::make_shared<ServerSettings>(std::move(settings));
  std::string refused;
  in_turn([&] { refused = shard_->prepare_settings(next); });
  if (!refused.empty()) return refused;
  settings_ = std::move(next);
  in_turn([this] { shard_->use_settings(); });
  in_turn([this] { shard_->forget_old_settings(); });
  return {};
}

TestClient& TestShard::connect(FakeConditions conditions, std::size_t listener,
                               CloseReason refused) {
  return connect(conditions, listener, {.refused = refused});
}

TestClient& TestShard::connect(FakeConditions conditions, std::size_t listener,
                               Admission::Answer admission) {
  const std::uint64_t id = last_id_ + 1;
  auto& client = *clients_.emplace_back(std::make_unique<TestClient>(*this, conditions, id));
  const auto port = static_cast<std::uint16_t>(40'000 + id);
  auto stream = client.wire.make_stream();
  in_turn([&, this] {
    shard_->accept(std::move(stream), {settings_, settings_->listeners[listener].get()},
                   PeerAddress::from_ipv4({127, 0, 0, 1}, port), std::move(admission));
  });
  return client;
}

std::size_t TestShard::take_over_from(TestShard& from, std::size_t sessions_max, const Fate& fate,
                                      const std::function<void()>& first) {
  std::vector<Departing> departing;
  from.in_turn([&] {
    if (first) first();
    from.shard_->begin_moves(sessions_max,
                             [&](std::vector<Departing> ready) { departing = std::move(ready); });
  });
  std::vector<Departed> departed;
  std::vector<SessionState> taken;
  for (const Departing& session : departing) {
    SessionState state = read_session(session.record).value();
    const bool is_judged_right = judge_place(state, *settings_) == HandoverRefusal::none;
    const auto its_fate = fate              ? fate(state)
                          : is_judged_right ? Departed::Fate::taken
                                            : Departed::Fate::refused;
    departed.push_back({session.id, its_fate});
    if (its_fate == Departed::Fate::taken) taken.push_back(std::move(state));
  }
  from.in_turn([&] { from.shard_->end_moves(departed); });
  for (const SessionState& state : taken) {
    const auto found = std::ranges::find(from.clients_, state.id, &TestClient::id);
    auto moved = std::move(*found);
    from.clients_.erase(found);
    TestClient& client = *clients_.emplace_back(std::move(moved));
    client.is_now_of(*this);
    last_id_ = std::max<std::uint64_t>(last_id_, state.id);
    const SettingsSnapshot settings = older_settings ? older_settings : settings_;
    const ListenerSnapshot listener(settings, settings->listener_named(state.listener));
    auto stream = client.wire.make_stream();
    in_turn([&] { shard_->take_over(std::move(stream), listener, state, {}); });
  }
  return taken.size();
}

void TestShard::settle() {
  std::vector<TestClient*> ready;
  for (;;) {
    ready.clear();
    for (const auto& client : clients_) {
      if (client->wire.has_event()) ready.push_back(client.get());
    }
    if (shuffle != nullptr) std::shuffle(ready.begin(), ready.end(), *shuffle);
    if (ready.empty() && !deferred_posted_) return;
    // What was left for the next turn comes behind whatever else the loop has waiting.
    for (std::size_t i = 0; i < ready.size();) {
      turn([&] {
        for (std::size_t events = 0; events < events_per_turn && i < ready.size(); ++i) {
          if (!ready[i]->wire.has_event()) continue;
          if (before_event) before_event(*ready[i]);
          ready[i]->wire.run_event();
          ++events;
        }
      });
    }
    if (std::exchange(deferred_posted_, false)) {
      turn([this] {
        for (std::size_t pieces = 1; shard_->run_deferred() && pieces < pieces_per_turn; ++pieces) {
        }
      });
    }
  }
}

void TestShard::advance(Duration time) { advance_to(now_ + time); }

void TestShard::advance_to(TimePoint time) {
  settle();
  for (;;) {
    const auto due = shard_->next_due();
    if (!due || *due > time) break;
    now_ = std::max(now_, *due);
    turn([this] { shard_->on_timer(); });
    settle();
  }
  now_ = std::max(now_, time);
  settle();
}

}  // namespace fairlead
