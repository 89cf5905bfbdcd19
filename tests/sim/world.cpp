#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <queue>
#include <set>
#include <sstream>
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
constexpr Duration kGrace = 1s;  // what a stop that is noticed leaves everybody to be heard

constexpr const char* kEventNames[] = {"delivered", "end",      "error", "silence",
                                       "written",   "sent",     "fin",   "terminated",
                                       "reset",     "finished", "left"};

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

// The daemon did not run; its clock did.
struct Stop {
  TimePoint from, until;
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
    shard_.pieces_per_turn = dice_.one_of({1, 2, 1000});
    shard_.events_per_turn = dice_.one_of({1, 3, 64});
    memory_is_short_ = shard_.settings().limits.max_buffer_memory < 1'000'000;
    shard_.after_turn = [this] { check_turn(); };
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
      actor.plan = make_plan(shard_.settings(), shard_.files, dice_);
      schedule(Duration(dice_.between(0, 3000)), &actor, &World::connect);
    }
    if (dice_.chance(30))
      schedule(Duration(dice_.between(100, 9000)), actors_.front().get(), &World::stop);
    if (dice_.chance(30))
      schedule(Duration(dice_.between(1, 3000)), actors_.front().get(), &World::reload);
    if (dice_.chance(40))
      schedule(Duration(dice_.between(100, 5000)), actors_.front().get(), &World::upgrade);
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
    if (actor.has_ended || actor.has_broken_off) return;
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
    schedule(plan.stays + (silent ? 0ms : Duration(dice_.between(0, 500))), &actor, &World::end);
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
      actor.client->wire.fail(dice_.chance(80) ? StreamError::reset : StreamError::vanished);
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

  void drain(Actor& actor) {
    if (!std::exchange(draining_, true) && dice_.chance(40)) return be_lame_duck(actor);
    send_meanwhile();
    shard_.begin_drain();
    schedule(shard_.settings().timeouts.drain, &actor, &World::evict);
  }

  // The goodbyes are spread; now and then a drain cuts that short.
  void be_lame_duck(Actor& actor) {
    const Duration time = shard_.settings().timeouts.lame_duck;
    const Census there = shard_.shard().census();
    lame_ = there.text + there.len32 + there.framed + there.undecided;
    shard_.evict_over(time);
    if (dice_.chance(30)) return schedule(Duration(dice_.between(0, 3000)), &actor, &World::drain);
    schedule(time / 2, &actor, &World::check_half);
    schedule(time, &actor, &World::evict);
  }

  void check_half(Actor&) {
    const bool too_many = shard_.closed(CloseReason::draining) > (lame_ + 1) / 2;
    if (too_many) fail("more than half were sent away in half of the time");
  }

  // No client notices, whether services stay or are made anew.
  void reload(Actor&) {
    ServerSettings settings = copy_of(shard_.settings());
    for (const auto& service : settings.services)
      if (dice_.chance(50)) ++service->file.max_downloads;
    if (const std::string refused = shard_.reload(std::move(settings)); !refused.empty())
      fail(refused);
    if (dice_.chance(60))
      schedule(Duration(dice_.between(1, 2000)), actors_.front().get(), &World::reload);
  }

  // To this shard, as if it were another process's. Some are refused, or come back.
  void upgrade(Actor&) {
    send_meanwhile();
    for (const auto& actor : actors_)
      if (actor->client != nullptr)
        actor->client->wire.conditions.halt_finds_bytes = dice_.chance(30);
    const auto fate = [this](const auto&) {
      if (dice_.chance(10)) return Departed::Fate::refused;
      return dice_.chance(10) ? Departed::Fate::returned : Departed::Fate::taken;
    };
    const std::size_t batch = dice_.between(1, 10);
    for (int batches = 0; batches < 10; ++batches) shard_.take_over_from(shard_, batch, fate);
    if (dice_.chance(50))
      schedule(Duration(dice_.between(10, 3000)), actors_.front().get(), &World::upgrade);
  }

  // SIGSTOP, or a machine that is suspended: clients and their kernels go on without the daemon.
  void stop(Actor&) {
    const TimePoint from = shard_.now();
    const TimePoint end = from + Duration(dice_.between(1500, 40'000));
    std::vector<Event> daemons_own;
    while (!events_.empty() && events_.top().at <= end) {
      const Event event = events_.top();
      events_.pop();
      if (event.order == &World::connect || event.order == &World::drain ||
          event.order == &World::evict || event.order == &World::stop ||
          event.order == &World::reload || event.order == &World::upgrade ||
          event.order == &World::check_half) {
        daemons_own.push_back(event);
        continue;
      }
      shard_.skip_clock(event.at - shard_.now());
      (this->*event.order)(*event.actor);
    }
    shard_.skip_clock(end - shard_.now());
    stops_.push_back({from, end});
    for (const Event& event : daemons_own)
      events_.push({end, event.number, event.actor, event.order});
    // Whether the timer or the connections are served first is the loop's affair.
    if (dice_.chance(50)) shard_.in_turn([this] { shard_.shard().on_timer(); });
    if (dice_.chance(50))
      schedule(Duration(dice_.between(10, 5000)), actors_.front().get(), &World::stop);
  }

  void evict(Actor&) {
    evicted_at_ = shard_.now();
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

  void check_turn() {
    check_counters();
    const LimitSettings& limits = shard_.settings().limits;
    if (shard_.shard().output().used_bytes() > limits.max_buffer_memory)
      fail("more waits than max_buffer_memory");
    for (const auto& actor : actors_) {
      if (actor->client == nullptr) continue;
      const std::size_t queued = actor->client->queued_bytes();
      if (queued > limits.queue_soft + answer_bytes_max(*actor))
        fail("a queue is above queue_soft");
    }
  }

  // The most that one answer, which may be a piece of a file, and a goodbye take.
  std::uint64_t answer_bytes_max(const Actor& actor) const {
    constexpr std::uint64_t kAround = 300;
    const ServerSettings& settings = shard_.settings();
    const auto& service =
        *settings.service_named(settings.listeners[actor.plan.listener]->default_service);
    const bool may_get_files = actor.plan.speaks == Speaks::framed || service.type == "file";
    return kAround + (may_get_files ? 26'000 : settings.limits.max_message);
  }

  void check_counters() {
    const Counters& counters = shard_.shard().counters();
    const std::uint64_t closed =
        std::accumulate(counters.closed.begin(), counters.closed.end(), std::uint64_t{0});
    if (counters.accepted + counters.taken_over != counters.open + closed + counters.handed_over)
      fail("accepted + taken_over != open + sum(closed) + handed_over");
  }

  void judge() {
    const Counters& counters = shard_.shard().counters();
    if (shard_.shard().connections() != 0) fail("sessions are left at the end");
    if (shard_.shard().pool().bytes_in_use() != 0) fail("buffers are in use at the end");
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
    for (const auto& event : shard_.log.events) {
      const bool expected = (event.name == "stalled" && !stops_.empty()) ||
                            (event.name == "buffer memory limit reached" && memory_is_short_);
      if (!expected) fail("the daemon logged: " + event.name);
    }
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
    // What was not heard in time has ended a message that the client had finished.
    if (!is_unheard(actor) || reason != "message_timeout") judge_time(actor, reason, complain);

    // Whoever has something waiting may have to make room, also when its end has begun; and an
    // ending that goes on for too long at a drain is cut.
    const bool may_be_slow = actor.plan.kernel_bytes_max != SIZE_MAX &&
                             (memory_is_short_ || is_unheard(actor) ||
                              actor.over_at >= deadline_after(evicted_at_, 30s));
    const bool may_be_cut = wire.saw_reset() && (may_be_slow || is_stopped_in_its_linger(actor));
    const bool interrupted = reason != name_of(actor.plan.ends_as) || actor.has_broken_off ||
                             actor.plan.manner == Manner::not_reading || is_unsaid(actor) ||
                             may_be_cut;
    if (!interrupted && wire.saw_reset()) complain("reset");
    if (actor.plan.speaks == Speaks::framed) {
      judge_frames(actor, interrupted, reason, complain);
    } else {
      judge_bytes(actor, interrupted, complain);
    }
    const bool gentle =
        !actor.has_broken_off && actor.plan.manner != Manner::not_reading && !may_be_cut;
    if (gentle && wire.saw_reset() && !actor.plan.is_download) complain("reset without a cause");
    if (actor.plan.is_download && gentle && !wire.saw_reset() && reason == "draining" &&
        !wire.received().empty())
      complain("a download cut short ended cleanly");
  }

  // The daemon went on less than a second after a deadline, which is no stall: this end came before
  // what had been said, or taken, meanwhile.
  bool is_unheard(const Actor& actor) const {
    return std::any_of(stops_.begin(), stops_.end(), [&actor](const Stop& stop) {
      return actor.over_at >= stop.until && actor.over_at < stop.until + kGrace;
    });
  }

  // What it still said then may lie unread when the time for it is over.
  bool is_stopped_in_its_linger(const Actor& actor) const {
    return std::any_of(stops_.begin(), stops_.end(),
                       [&actor](const Stop& stop) { return stop.until > actor.over_at; });
  }

  // Not everything that was planned has been said, because the end came first.
  static bool is_unsaid(const Actor& actor) {
    const bool ended_by_server = actor.plan.ends_as != CloseReason::peer_closed;
    return !ended_by_server && actor.next_delivery < actor.plan.deliveries.size();
  }

  std::set<std::string> allowed_reasons(const Actor& actor) {
    std::set<std::string> allowed;
    const auto allow = [&allowed](CloseReason reason) { allowed.emplace(name_of(reason)); };
    if (draining_) allow(CloseReason::draining);
    if (actor.plan.ends_as != CloseReason::peer_closed) allow(actor.plan.ends_as);
    const bool is_slow = actor.plan.kernel_bytes_max != SIZE_MAX;
    if (is_slow && memory_is_short_) allow(CloseReason::slow_consumer);
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
    if (is_unheard(actor)) {
      allow(CloseReason::message_timeout);
      allow(CloseReason::write_timeout);
    }
    return allowed;
  }

  // Time-outs come when they are due, within one slot.
  template <class Complain>
  void judge_time(const Actor& actor, const std::string& reason, Complain&& complain) {
    const TimeoutSettings& timeouts = shard_.settings().timeouts;
    bool takes_what_comes = actor.plan.kernel_bytes_max == SIZE_MAX;
    // A stop makes deadlines later, by itself and the moment in which everybody is heard.
    const auto expect = [&](TimePoint from, Duration wait, TimePoint latest_from) {
      if (actor.over_at < from + wait) complain("ended too early");
      Duration later{};
      TimePoint heard_until{};  // since the last stop; one is forgiven, two in a row are not
      for (const Stop& stop : stops_) {
        const TimePoint due = from + wait + later;
        // After a stop, time may stand still for what is begun in that moment, too.
        if (stop.until + kGrace >= from && stop.from < actor.over_at)
          later += std::max(stop.until - std::max(stop.from, from), Duration{}) + kGrace;
        if (takes_what_comes && due < stop.until - kGrace && actor.over_at >= stop.until &&
            actor.over_at < stop.until + kGrace - kSlot && stop.from >= heard_until)
          complain("ended by the clock that went on while the daemon was stopped");
        heard_until = stop.until + 2 * kGrace;
      }
      // Who is slow to take what is queued sees the end behind it.
      if (takes_what_comes && actor.over_at > latest_from + wait + kSlot + later)
        complain("ended too late");
    };
    const bool spoke = actor.next_delivery > 0;
    if (reason == "first_byte_timeout") {
      if (spoke || timeouts.first_byte == 0ms) complain("a first byte was not missing");
      expect(actor.connected_at, timeouts.first_byte, actor.connected_at);
    } else if (reason == "idle_timeout" && takes_what_comes) {
      expect(actor.last_delivery_at, timeouts.idle, actor.last_delivery_at);
    } else if (reason == "message_timeout") {
      expect(actor.stalled_at, timeouts.message, actor.stalled_at);
    } else if (reason == "write_timeout" && !draining_) {
      // Here the end is a reset, which waits for nobody.
      takes_what_comes = true;
      expect(actor.last_taken_at, timeouts.write,
             std::max(actor.last_taken_at, actor.last_delivery_at));
    }
    if (!draining_ || actor.over_at == kNever) return;
    // An eviction ends everybody: by their own pace of reading, or the patience that is left.
    if (actor.plan.kernel_bytes_max == SIZE_MAX &&
        actor.over_at > deadline_after(evicted_at_, kSlot) && actor.over_at > actor.connected_at)
      complain("served after the eviction");
  }

  // Where a connection is cut, its last word may be, too.
  static void drop_partial_goodbye(std::string& said, const Actor& actor) {
    std::string word = "error: message_too_big: ";
    word += explanation_of(CloseReason::message_too_big);
    if (actor.plan.speaks == Speaks::len32) word = client::len32(word);
    while (!word.empty() && !said.ends_with(word)) word.pop_back();
    said.resize(said.size() - word.size());
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
      if (word == std::string::npos) drop_partial_goodbye(said, actor);
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
      if (i + 1 != said.frames.size()) {
        std::ostringstream words;
        words << "frame " << i << " differs, or follows a goodbye: got ";
        PrintTo(frame, &words);
        words << ", expected ";
        if (i < expected.size()) PrintTo(expected[i], &words);
        return complain(words.str());
      }
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
           frame.type == client::status || frame.type == client::listing ||
           frame.type == client::end || frame.type == client::hashes ||
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
  std::uint64_t lame_ = 0;  // sessions when the lame duck began
  TimePoint evicted_at_ = kNever;
  std::vector<Stop> stops_;
  bool memory_is_short_ = false;
  bool draining_ = false;
  std::vector<std::string> failures_;
};

}  // namespace

Verdict run_world(std::uint64_t seed, bool prints_trace) { return World(seed, prints_trace).run(); }

}  // namespace fairlead::sim
