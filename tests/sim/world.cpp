#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <queue>
#include <set>
#include <stdexcept>
#include <utility>

#include "tests/sim/plan.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead::sim {
namespace {

using namespace std::chrono_literals;

// Nobody's script is longer; whoever is still there then is never going to leave.
constexpr Duration kEndOfTime = 15min;
constexpr Duration kSlot = TimerWheel::kSlot;

constexpr const char* kEventNames[] = {"delivered", "end", "error",      "silence", "progress",
                                       "sent",      "fin", "terminated", "reset",   "finished"};

class Trace {
 public:
  explicit Trace(bool prints) : prints_(prints) {}

  void add(TimePoint now, std::uint64_t client, const char* what, Bytes bytes) {
    add_number(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    add_number(client);
    add_bytes(what);
    add_bytes(bytes);
    if (!prints_) return;
    std::printf("%8lld client %llu %s", static_cast<long long>((now - TimePoint{1h}).count()),
                static_cast<unsigned long long>(client), what);
    if (!bytes.empty()) std::printf(" %zu \"", bytes.size());
    for (const char byte : bytes.substr(0, 60))
      std::putchar(byte >= ' ' && byte < 127 ? byte : '.');
    std::puts(bytes.empty() ? "" : "\"");
  }
  std::uint64_t hash() const { return hash_; }

 private:
  void add_number(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) add_byte(static_cast<unsigned char>(number >> (8 * i)));
  }
  void add_bytes(Bytes bytes) {
    add_number(bytes.size());
    for (const char byte : bytes) add_byte(static_cast<unsigned char>(byte));
  }
  void add_byte(unsigned char byte) { hash_ = (hash_ ^ byte) * 1099511628211ULL; }

  std::uint64_t hash_ = 14695981039346656037ULL;
  bool prints_;
};

// A client on its way through its plan.
struct Actor {
  Plan plan;
  TestClient* client = nullptr;
  std::size_t next_delivery = 0;
  TimePoint connected_at{};
  TimePoint last_delivery_at{};
  TimePoint stalled_at{};
  TimePoint last_taken_at{};
  TimePoint over_at = kNever;   // FIN or RST has come
  bool has_ended = false;       // on its own account
  bool has_broken_off = false;  // reset or left
};

class World {
 public:
  World(std::uint64_t seed, bool prints_trace)
      : dice_(seed), trace_(prints_trace), shard_(make_settings(dice_)) {
    make_files(shard_.files);
    shard_.shuffle = &dice_.engine();
    const std::size_t read_max = dice_.one_of({1, 10, 500, 64 * 1024});
    shard_.before_event = [this, read_max](TestClient& client) {
      client.wire.conditions.read_bytes_max = dice_.between(1, read_max);
    };
    shard_.after_turn = [this] { check_counters(); };
  }

  Verdict run() {
    try {
      populate();
      while (!events_.empty() && !is_deserted()) step();
      shard_.advance(60s);  // what still lingers
      judge();
    } catch (const std::exception& problem) {
      fail(problem.what());
    }
    return {std::move(failures_), trace_.hash()};
  }

 private:
  using Order = void (World::*)(Actor&);
  struct Event {
    TimePoint at;
    std::uint64_t number;  // first come, first served
    Actor* actor;          // null: the world's own
    Order order;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  void schedule(Duration after, Actor* actor, Order order) {
    events_.push({shard_.now() + after, next_event_++, actor, order});
  }

  void populate() {
    const std::uint64_t count = dice_.between(5, 30);
    for (std::uint64_t i = 0; i < count; ++i) {
      Actor& actor = *actors_.emplace_back(std::make_unique<Actor>());
      actor.plan = make_plan(shard_.settings(), dice_);
      schedule(Duration(dice_.between(0, 3000)), &actor, &World::connect);
    }
    if (!dice_.chance(40)) return;
    schedule(Duration(dice_.between(100, 6000)), actors_.front().get(), &World::drain);
  }

  // Everything of one moment happens before the loop looks.
  void step() {
    const TimePoint at = events_.top().at;
    if (at > TimePoint{1h} + kEndOfTime)
      throw std::runtime_error("time is over, sessions are left");
    shard_.advance_to(at);
    while (!events_.empty() && events_.top().at == at) {
      const Event event = events_.top();
      events_.pop();
      (this->*event.order)(*event.actor);
    }
    shard_.settle();
  }

  bool is_deserted() const {
    return std::all_of(actors_.begin(), actors_.end(), [this](const auto& actor) {
      return actor->client == nullptr ? draining_ : actor->client->wire.is_finished();
    });
  }

  // ---- What clients do

  void connect(Actor& actor) {
    if (draining_) return;  // nobody listens any more
    actor.client = &shard_.connect({.kernel_bytes_max = actor.plan.kernel_bytes_max,
                                    .client_reads = actor.plan.kernel_bytes_max == SIZE_MAX,
                                    .probe_answers_later = actor.plan.probe_answers_later},
                                   actor.plan.listener);
    ++connected_;
    actor.connected_at = actor.last_delivery_at = actor.last_taken_at = shard_.now();
    actor.client->wire.on_event = [this, &actor](FakeEvent event, Bytes bytes) {
      note(actor, event, bytes);
    };
    // What was sent before the trace listened.
    trace_.add(shard_.now(), actor.client->id(), "connected", actor.client->received());
    if (actor.plan.reads_slowly) schedule(actor.plan.read_every, &actor, &World::read);
    schedule_next(actor);
  }

  void note(Actor& actor, FakeEvent event, Bytes bytes) {
    trace_.add(shard_.now(), actor.client->id(), kEventNames[static_cast<std::size_t>(event)],
               bytes);
    if (event == FakeEvent::sent) actor.last_taken_at = shard_.now();
    const bool over = event == FakeEvent::fin || event == FakeEvent::terminated_by_reset ||
                      event == FakeEvent::terminated_quietly;
    if (!over || actor.over_at != kNever) return;
    actor.over_at = shard_.now();
    // Who sees the end usually ends, too; some never do.
    if (!actor.has_ended && dice_.chance(80))
      schedule(Duration(dice_.between(0, 700)), &actor, &World::end);
  }

  void schedule_next(Actor& actor) {
    const Plan& plan = actor.plan;
    const bool breaks_off = plan.manner == Manner::resetting || plan.manner == Manner::leaving;
    if (breaks_off && dice_.chance(100 / static_cast<unsigned>(plan.deliveries.size() + 1) + 1))
      return schedule(Duration(dice_.between(0, 50)), &actor, &World::break_off);
    if (actor.next_delivery < plan.deliveries.size())
      return schedule(plan.deliveries[actor.next_delivery].after, &actor, &World::deliver);
    if (breaks_off) return schedule(0ms, &actor, &World::break_off);
    if (plan.manner == Manner::half_close) return schedule(0ms, &actor, &World::end);
    const bool waits = plan.manner == Manner::polite || plan.manner == Manner::breaking;
    if (!waits) return;
    const bool silent = plan.deliveries.empty();
    schedule(silent ? 0ms : Duration(dice_.between(0, 500)), &actor, &World::end);
  }

  void deliver(Actor& actor) {
    const bool left = actor.next_delivery < actor.plan.deliveries.size();  // see send_meanwhile
    if (left) send_next(actor);
    schedule_next(actor);
  }

  void send_next(Actor& actor) {
    if (actor.has_ended || actor.has_broken_off) return;
    if (actor.next_delivery == actor.plan.stalls_at) actor.stalled_at = shard_.now();
    actor.client->wire.send(actor.plan.deliveries[actor.next_delivery++].bytes);
    actor.last_delivery_at = shard_.now();
  }

  void end(Actor& actor) {
    if (actor.has_broken_off) return;
    actor.has_ended = true;
    actor.client->wire.end();
  }

  void break_off(Actor& actor) {
    if (std::exchange(actor.has_broken_off, true)) return;
    if (actor.plan.manner == Manner::resetting) {
      actor.client->wire.fail(dice_.chance(80) ? TransportError::reset : TransportError::vanished);
    } else {
      actor.client->wire.leave();
    }
  }

  void read(Actor& actor) {
    FakeConnection& wire = actor.client->wire;
    wire.take(actor.plan.read_bytes);
    const bool read_out = wire.is_over() && wire.held_by_kernel() == 0;
    if (!read_out) schedule(actor.plan.read_every, &actor, &World::read);
  }

  // ---- What the daemon does

  void drain(Actor&) {
    draining_ = true;
    drained_at_ = shard_.now();
    send_meanwhile();
    shard_.begin_drain();
    schedule(shard_.settings().timeouts.drain, actors_.front().get(), &World::evict);
  }

  void evict(Actor&) {
    send_meanwhile();
    shard_.evict_all();
  }

  // Some bytes have always arrived when the daemon decides to stop, and nobody has read them yet.
  void send_meanwhile() {
    for (const auto& actor : actors_) {
      const bool may = actor->client != nullptr && actor->plan.manner != Manner::stalling;
      if (may && actor->next_delivery < actor->plan.deliveries.size() && dice_.chance(50))
        send_next(*actor);
    }
  }

  // ---- What must hold

  void fail(const std::string& what) { failures_.push_back(what); }

  void check_counters() {
    const Counters& counters = shard_.shard().counters();
    const std::uint64_t closed =
        std::accumulate(counters.closed.begin(), counters.closed.end(), std::uint64_t{0});
    if (counters.accepted != counters.open + closed) fail("accepted != open + sum(closed)");
  }

  void judge() {
    const Counters& counters = shard_.shard().counters();
    if (shard_.shard().sessions() != 0) fail("sessions are left at the end");
    if (shard_.shard().buffer_bytes() != 0) fail("buffers are in use at the end");
    if (counters.accepted != connected_) fail("accepted is not the number of clients");
    if (shard_.session_log.events.size() != connected_) fail("not one line in the log per session");
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    for (const auto& actor : actors_) {
      if (actor->client == nullptr) continue;
      bytes_in += actor->client->wire.delivered_bytes();
      bytes_out += actor->client->wire.sent_bytes();
      judge(*actor);
    }
    if (counters.bytes_in != bytes_in || counters.bytes_out != bytes_out)
      fail("bytes are counted wrongly");
    for (const auto& event : shard_.log.events) fail("the daemon logged: " + event.name);
  }

  void judge(Actor& actor) {
    FakeConnection& wire = actor.client->wire;
    wire.take(SIZE_MAX);
    const std::string reason = actor.client->reason();
    trace_.add(shard_.now(), actor.client->id(), reason.c_str(), {});
    const auto complain = [&](const std::string& what) {
      fail("client " + std::to_string(actor.client->id()) + " (manner " +
           std::to_string(static_cast<int>(actor.plan.manner)) + ", speaks " +
           std::to_string(static_cast<int>(actor.plan.speaks)) + ", listener " +
           std::to_string(actor.plan.listener) + ", " + reason + "): " + what);
    };
    if (!wire.breach().empty()) complain("contract broken: " + wire.breach());
    if (!wire.is_finished() || !wire.is_destroyed()) return complain("never freed");
    if (allowed_reasons(actor).count(reason) == 0) complain("implausible reason");
    judge_time(actor, reason, complain);

    const bool interrupted = reason != name_of(actor.plan.ends_as) || actor.has_broken_off ||
                             actor.plan.manner == Manner::not_reading || is_unsaid(actor);
    if (!interrupted && wire.saw_reset()) complain("reset");
    if (actor.plan.speaks == Speaks::framed) {
      judge_frames(actor, interrupted, reason, complain);
    } else {
      judge_bytes(actor, interrupted, complain);
    }
    const bool gentle = !actor.has_broken_off && actor.plan.manner != Manner::not_reading;
    if (gentle && wire.saw_reset() && !actor.plan.is_download) complain("reset without a cause");
    if (actor.plan.is_download && gentle && !wire.saw_reset() && reason == "draining" &&
        !wire.received().empty())
      complain("a download cut short ended cleanly");
  }

  // Not everything that was planned has been said, because the end came first.
  static bool is_unsaid(const Actor& actor) {
    const bool ended_by_server = actor.plan.ends_as != CloseReason::peer_closed;
    return !ended_by_server && actor.next_delivery < actor.plan.deliveries.size();
  }

  std::set<std::string> allowed_reasons(const Actor& actor) const {
    std::set<std::string> allowed;
    const auto allow = [&allowed](CloseReason reason) { allowed.emplace(name_of(reason)); };
    if (draining_) allow(CloseReason::draining);
    if (actor.plan.ends_as != CloseReason::peer_closed) allow(actor.plan.ends_as);
    const bool ends_itself = actor.plan.ends_as == CloseReason::peer_closed;
    switch (actor.plan.manner) {
      case Manner::polite:
      case Manner::half_close:
        if (ends_itself)
          allow(actor.plan.deliveries.empty() ? CloseReason::eof_before_data
                                              : CloseReason::peer_closed);
        break;
      case Manner::not_reading:
        allow(CloseReason::write_timeout);
        allow(CloseReason::idle_timeout);
        allow(CloseReason::first_byte_timeout);
        if (actor.plan.ends_as == CloseReason::completed) allow(CloseReason::write_timeout);
        break;
      case Manner::resetting:
        allow(CloseReason::reset);
        allow(CloseReason::peer_vanished);
        allow(CloseReason::write_timeout);  // its reset is not seen while it is not read from
        break;
      case Manner::leaving:
        allow(CloseReason::reset);
        allow(CloseReason::peer_closed);
        allow(CloseReason::eof_before_data);
        allow(CloseReason::write_timeout);
        if (actor.plan.is_download) allow(CloseReason::no_such_file);  // half a name
        break;
      case Manner::idle:
        if (ends_itself) allow(CloseReason::idle_timeout);
        if (ends_itself && actor.plan.deliveries.empty()) allow(CloseReason::first_byte_timeout);
        break;
      case Manner::stalling:
        if (ends_itself) allow(CloseReason::message_timeout);
        break;
      case Manner::silent:
        allow(CloseReason::idle_timeout);
        allow(CloseReason::first_byte_timeout);
        break;
      case Manner::breaking:
        break;
    }
    return allowed;
  }

  // Time-outs come when they are due, within one slot.
  template <class Complain>
  void judge_time(const Actor& actor, const std::string& reason, Complain&& complain) {
    const TimeoutSettings& timeouts = shard_.settings().timeouts;
    const auto expect = [&](TimePoint from, Duration wait, TimePoint latest_from) {
      if (actor.over_at < from + wait) complain("ended too early");
      if (actor.over_at > latest_from + wait + kSlot) complain("ended too late");
    };
    const bool spoke = actor.next_delivery > 0;
    // Else the end itself has to wait until it is taken.
    const bool takes_what_comes = actor.plan.manner != Manner::not_reading;
    if (reason == "first_byte_timeout") {
      if (spoke || timeouts.first_byte == 0ms) complain("a first byte was not missing");
      if (takes_what_comes) expect(actor.connected_at, timeouts.first_byte, actor.connected_at);
    } else if (reason == "idle_timeout" && takes_what_comes) {
      expect(actor.last_delivery_at, timeouts.idle, actor.last_delivery_at);
    } else if (reason == "message_timeout") {
      expect(actor.stalled_at, timeouts.message, actor.stalled_at);
    } else if (reason == "write_timeout" && !draining_) {
      expect(actor.last_taken_at, timeouts.write,
             std::max(actor.last_taken_at, actor.last_delivery_at));
    }
    if (!draining_ || actor.over_at == kNever) return;
    // An eviction ends everybody: by their own pace of reading, or the patience that is left.
    const TimePoint evicted = drained_at_ + timeouts.drain;
    if (actor.plan.kernel_bytes_max == SIZE_MAX && actor.over_at > evicted + kSlot &&
        actor.over_at > actor.connected_at)
      complain("served after the eviction");
  }

  template <class Complain>
  void judge_bytes(const Actor& actor, bool interrupted, Complain&& complain) {
    std::string said = actor.client->wire.received();
    std::string expected = actor.plan.expected;
    if (actor.plan.ends_as == CloseReason::message_too_big) {
      // The replies that are owed, and then a word on what was wrong.
      const std::size_t word = said.rfind("error: message_too_big: ");
      if (word != std::string::npos)
        said.resize(word - (actor.plan.speaks == Speaks::len32 ? 4 : 0));
      if (word == std::string::npos && !interrupted) complain("not told what was wrong");
    }
    if (actor.plan.compare == Compare::without_line_ends) {
      const auto is_line_end = [](char byte) { return byte == '\n' || byte == '\r'; };
      std::erase_if(said, is_line_end);
      std::erase_if(expected, is_line_end);
    }
    if (said != expected.substr(0, said.size())) complain("replies differ from what was asked");
    if (!interrupted && said.size() < expected.size())
      complain("replies are missing: " + std::to_string(said.size()) + " of " +
               std::to_string(expected.size()) + " bytes");
  }

  template <class Complain>
  void judge_frames(const Actor& actor, bool interrupted, const std::string& reason,
                    Complain&& complain) {
    const std::string& received = actor.client->wire.received();
    client::Stream said = client::parse(received);
    if (received.empty()) {
      if (!interrupted && !actor.plan.deliveries.empty()) complain("no preface");
      return;
    }
    if (!said.has_preface) {
      if (received.size() >= 8) complain("no preface");
      return;
    }
    if (!said.rest.empty() && !actor.client->wire.saw_reset() && !actor.has_broken_off)
      complain("a frame is not whole");
    if (said.frames.empty()) return;
    if (said.frames.front().type != client::hello) complain("no hello");
    said.frames.erase(said.frames.begin());

    const auto& expected = actor.plan.expected_frames;
    std::uint64_t last_id = 0;
    for (std::size_t i = 0; i < said.frames.size(); ++i) {
      const client::Received& frame = said.frames[i];
      if (i < expected.size() && frame == expected[i]) {
        last_id = std::max(last_id, answers_request(frame) ? frame.id : 0);
        continue;
      }
      if (i + 1 != said.frames.size()) return complain("frames differ, or follow a goodbye");
      judge_goodbye(frame, reason, last_id, complain);
      said.frames.pop_back();
    }
    if (reason == "draining" && !actor.client->wire.saw_reset() && !actor.has_broken_off &&
        client::parse(received).frames.back().type != client::goaway)
      complain("no goaway");
    if (!interrupted && said.frames.size() < expected.size())
      complain("frames are missing: " + std::to_string(said.frames.size()) + " of " +
               std::to_string(expected.size()));
  }

  static bool answers_request(const client::Received& frame) {
    return frame.type == client::reply || frame.type == client::opened ||
           (frame.type == client::error && frame.id != 0);
  }

  template <class Complain>
  static void judge_goodbye(const client::Received& frame, const std::string& reason,
                            std::uint64_t last_id, Complain&& complain) {
    if (frame.channel != 0 || frame.id != 0) return complain("an unexpected frame");
    if (frame.type == client::goaway) {
      if (frame.code() != last_id)
        complain("goaway says " + std::to_string(frame.code()) + ", answered was " +
                 std::to_string(last_id));
      return;
    }
    if (frame.type != client::error) return complain("an unexpected frame");
    if (name_of(static_cast<CloseReason>(frame.code())) != reason)
      complain("the client was told another reason");
  }

  Dice dice_;
  Trace trace_;
  TestShard shard_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t next_event_ = 0;
  std::uint64_t connected_ = 0;
  TimePoint drained_at_{};
  bool draining_ = false;
  std::vector<std::string> failures_;
};

}  // namespace

Verdict run_world(std::uint64_t seed, bool prints_trace) { return World(seed, prints_trace).run(); }

}  // namespace fairlead::sim
