// Laws that the figures of every load test obey, whatever the server does, in runs made by chance.
// FAIRLEAD_BENCH_RUNS says how many runs; ctest has a long form with 10,000.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <set>

#include "client/bench/judge/result.hpp"
#include "tests/sim/dice.hpp"
#include "tests/unit/bench/engine/bench_rig.hpp"

namespace fairlead {
namespace {

using sim::Dice;

std::uint64_t runs() {
  const char* const wanted = std::getenv("FAIRLEAD_BENCH_RUNS");
  return wanted == nullptr ? 500 : std::strtoull(wanted, nullptr, 10);
}

BenchDuration milliseconds(Dice& dice, std::uint64_t low, std::uint64_t high) {
  return std::chrono::microseconds(dice.between(low * 1000, high * 1000));
}

constexpr std::uint32_t kSize = 16;
// In no time at all a closed loop could turn for ever.
constexpr BenchDuration kTick = 200us;

// The result as BenchRun puts it together.
BenchResult result_of(const BenchRig& rig, const Tally& tally) {
  const Load& load = rig.plan().load;
  BenchResult result{.mode = load.mode, .is_open_loop = load.is_open_loop()};
  result.tally = tally;
  const BenchDuration length = rig.load_ended() - rig.begin();
  result.measured_seconds = std::max(0.0, seconds(length - load.warmup));
  if (load.is_open_loop()) result.intended_rate = intended_rate(load, length);
  return result;
}

// A server with every fault that it can have, each by chance, that keeps a record of its own.
class FaultyServer {
 public:
  FaultyServer(BenchRig& rig, Dice& dice) : rig_(rig), dice_(dice) {
    delay_max_ = dice.one_of({0, 1, 5, 40});
    silent_ = percent(0, 4);
    wrong_ = percent(0, 3);
    breaks_ = percent(0, 3);
    ends_ = percent(0, 3);
    turns_away_ = percent(0, 20);
    ends_after_ = dice.chance(30) ? dice.between(1, 20) : 0;
    if (dice.chance(30)) {
      away_from_ = milliseconds(dice, 0, 800);
      away_until_ =
          dice.chance(50) ? BenchDuration::max() : away_from_ + milliseconds(dice, 1, 400);
      is_frozen_ = dice.chance(50);
    }
    rig.accept = [this](std::size_t) -> std::optional<int> {
      if (is_away() && is_frozen_) return std::nullopt;
      return is_away() || dice_.chance(turns_away_) ? ECONNREFUSED : 0;
    };
    rig.greet = [this](std::size_t peer) { peers_.insert(peer); };
    rig.serve = [this](std::size_t peer, const std::string& bytes) { take(peer, bytes); };
    if (away_from_ != BenchDuration::max() && !is_frozen_) {
      rig.in(away_from_, [this] {
        for (const std::size_t peer : peers_) rig_.break_off(peer, StreamError::reset);
      });
    }
  }

 private:
  std::uint8_t percent(std::uint64_t low, std::uint64_t high) {
    return dice_.chance(50) ? 0 : static_cast<std::uint8_t>(dice_.between(low, high));
  }
  bool is_away() const {
    return rig_.elapsed() >= away_from_ && rig_.elapsed() < away_until_ &&
           rig_.begin() > BenchTime{};
  }
  void take(std::size_t peer, const std::string& bytes) {
    if (is_away()) return;
    std::string& rest = rest_[peer];
    rest += bytes;
    for (; rest.size() >= kSize; rest.erase(0, kSize)) answer(peer, rest.substr(0, kSize));
  }
  void answer(std::size_t peer, std::string reply) {
    if (dice_.chance(silent_)) return;
    if (dice_.chance(breaks_)) return rig_.break_off(peer, StreamError::reset);
    if (dice_.chance(ends_)) {
      rig_.say(peer, reply.substr(0, dice_.between(0, kSize - 1)));
      return rig_.end_stream(peer);
    }
    if (dice_.chance(wrong_)) reply[dice_.between(0, kSize - 1)] ^= 1;
    if (dice_.chance(wrong_)) reply += reply;
    // Replies of one connection keep their order.
    BenchTime& free_at = free_at_[peer];
    free_at = std::max(free_at, rig_.now()) + kTick + milliseconds(dice_, 0, delay_max_);
    rig_.say(peer, reply, free_at - rig_.now());
    if (ends_after_ > 0 && ++served_[peer] % ends_after_ == 0)
      rig_.end_stream(peer, free_at - rig_.now());
  }

  BenchRig& rig_;
  Dice& dice_;
  std::uint64_t delay_max_ = 0;  // milliseconds
  std::uint8_t silent_ = 0, wrong_ = 0, breaks_ = 0, ends_ = 0, turns_away_ = 0;
  std::uint64_t ends_after_ = 0;
  BenchDuration away_from_ = BenchDuration::max(), away_until_ = BenchDuration::max();
  bool is_frozen_ = false;
  std::set<std::size_t> peers_;
  std::map<std::size_t, std::string> rest_;
  std::map<std::size_t, BenchTime> free_at_;
  std::map<std::size_t, std::uint64_t> served_;
};

Load load_of(Dice& dice) {
  Load load;
  load.connection.protocol = Protocol::text;
  load.message.size_min = load.message.size_max = kSize;
  load.connections = static_cast<std::uint32_t>(dice.between(1, 12));
  load.inflight = static_cast<std::uint32_t>(dice.one_of({1, 1, 4}));
  load.seed = dice.between(1, 1000);
  load.reply_timeout = milliseconds(dice, 30, 400);
  load.connect_timeout = Duration(dice.between(50, 300));
  if (dice.chance(20)) load.reconnect_every = dice.between(1, 10);
  if (dice.chance(20)) load.mode = BenchMode::conn;
  const BenchDuration length = milliseconds(dice, 100, 1000);
  const bool by_count = dice.chance(20);
  if (by_count || dice.chance(10)) load.messages = dice.between(1, 300);
  if (!by_count) load.duration = length;
  if (!by_count && dice.chance(40)) load.warmup = milliseconds(dice, 1, 99);
  if (dice.chance(60)) {
    const auto rate = static_cast<double>(dice.between(1, 800));
    const BenchDuration enough = std::chrono::nanoseconds(
        static_cast<std::int64_t>((static_cast<double>(load.messages) / rate + 1) * 1e9));
    load.stages = {{by_count ? enough : length, rate}};
    if (!by_count && dice.chance(30)) {
      load.stages.push_back(
          {milliseconds(dice, 1, 300), static_cast<double>(dice.between(0, 800))});
      load.duration += load.stages.back().length;
      if (dice.chance(50))
        load.stages.back().rate_at_end = static_cast<double>(dice.between(1, 800));
    }
    if (dice.chance(20)) load.ramp = milliseconds(dice, 1, 100);
    if (dice.chance(10)) load.expectation.kind = ExpectationSettings::Kind::none;
  } else if (by_count) {
    load.messages = std::max<std::uint64_t>(load.messages, load.connections);
  }
  return load;
}

TEST(BenchLaws, EveryDueMessageHasOneFate) {
  std::uint64_t seen_never_sent = 0, seen_timed_out = 0, seen_unfinished = 0, seen_failed = 0;
  for (std::uint64_t seed = 1; seed <= runs(); ++seed) {
    SCOPED_TRACE("run " + std::to_string(seed));
    Dice dice(seed);
    const Load load = load_of(dice);
    BenchRig rig(load);
    FaultyServer server(rig, dice);
    rig.connect_time = kTick + milliseconds(dice, 0, dice.one_of({0, 0, 20}));
    if (dice.chance(20))
      rig.wakes_late_by = [&dice](BenchDuration) { return milliseconds(dice, 0, 10); };
    if (dice.chance(20)) rig.in(milliseconds(dice, 30, 900), [&rig] { rig.stop(); });
    const Tally& tally = rig.run();
    const BenchResult result = result_of(rig, tally);
    const Ledger ledger = result.ledger();

    // The sum of the fates is what was due, by the schedule.
    ASSERT_EQ(ledger.fates(), ledger.due);
    const BenchDuration length = rig.load_ended() - rig.begin();
    if (load.is_open_loop() && length >= BenchDuration::zero()) {
      const std::uint64_t all =
          std::min(rig.plan().operations, rig.plan().arrivals->count_until(length));
      const std::uint64_t uncounted = std::min(all, rig.plan().arrivals->count_until(load.warmup));
      ASSERT_EQ(ledger.due, all - uncounted);
    } else {
      ASSERT_EQ(tally.all_never_sent(), 0U);
    }

    // Shares are shares, of operations and of nothing else.
    ASSERT_EQ(tally.counts.all_errors(), ledger.failed + ledger.timed_out);
    ASSERT_LE(result.errors(), result.ended());
    ASSERT_LE(result.error_share(), 1.0);
    ASSERT_LE(result.mismatch_share(), 1.0);

    // What took long is in the percentiles.
    ASSERT_GE(tally.actual.count(), ledger.done + ledger.timed_out);
    ASSERT_LE(tally.actual.count(), ledger.done + ledger.timed_out + ledger.unfinished);
    if (load.is_open_loop()) {
      ASSERT_EQ(tally.intended.count(), tally.actual.count() + tally.all_never_sent());
    }
    if (ledger.timed_out > 0) {
      const BenchDuration least = std::min<BenchDuration>(load.reply_timeout, load.connect_timeout);
      ASSERT_GE(tally.actual.max(), microseconds_between(BenchTime{}, BenchTime{} + least));
    }

    // Little's law: operations take turns on the connections.
    const BenchDuration until_end = rig.now() - rig.begin();
    const double slots = static_cast<double>(load.connections * load.inflight);
    const double busy = tally.actual.mean() * static_cast<double>(tally.actual.count()) / 1e6;
    const double slack = static_cast<double>(ledger.timed_out) * seconds(load.reply_timeout);
    if (load.mode == BenchMode::reply && load.reply_timeout < 2s) {
      ASSERT_LE(busy, (slots * seconds(until_end) + slack) * 1.001);
    }

    seen_never_sent += tally.all_never_sent();
    seen_timed_out += ledger.timed_out;
    seen_unfinished += ledger.unfinished;
    seen_failed += ledger.failed;
  }
  // The runs do have all that the ledger is about.
  EXPECT_GT(seen_never_sent, runs());
  EXPECT_GT(seen_timed_out, runs());
  EXPECT_GT(seen_unfinished, runs() / 10);
  EXPECT_GT(seen_failed, runs());
}

// What a server has answered within the measured time, counted by the server.
TEST(BenchLaws, TheRateIsWhatTheServerHasAnswered) {
  for (std::uint64_t seed = 1; seed <= runs(); ++seed) {
    SCOPED_TRACE("run " + std::to_string(seed));
    Dice dice(seed);
    Load load;
    load.connection.protocol = Protocol::text;
    load.message.size_min = load.message.size_max = kSize;
    load.connections = static_cast<std::uint32_t>(dice.between(1, 50));
    load.inflight = static_cast<std::uint32_t>(dice.one_of({1, 1, 3}));
    load.duration = milliseconds(dice, 100, 1000);
    // Near the length of the run, or far below it.
    const BenchDuration delay = milliseconds(dice, 10, dice.one_of({30, 1500}));
    if (dice.chance(30))
      load.stages = {{load.duration, static_cast<double>(dice.between(1, 2000))}};
    BenchRig rig(load);
    std::vector<BenchDuration> answered;
    rig.serve = [&](std::size_t peer, const std::string& bytes) {
      const auto count = static_cast<std::uint64_t>(bytes.size() / kSize);
      rig.in(delay,
             [&rig, &answered, count] { answered.insert(answered.end(), count, rig.elapsed()); });
      rig.say(peer, bytes, delay);
    };
    const BenchResult result = result_of(rig, rig.run());

    const bool is_open = load.is_open_loop();
    const BenchDuration until =
        is_open ? std::max(load.duration, rig.plan().arrivals->owned(rig.plan().operations))
                : load.duration;
    const auto in_time = static_cast<std::uint64_t>(
        std::ranges::count_if(answered, [until](BenchDuration at) { return at <= until; }));
    ASSERT_EQ(result.tally.done_in_time, in_time);
    ASSERT_LE(result.rate() * seconds(delay),
              static_cast<double>(load.connections * load.inflight) * 1.000001);
  }
}

// N messages own N intervals.
TEST(BenchLaws, ARateThatWasKeptIsTheRateThatWasAskedFor) {
  for (std::uint64_t seed = 1; seed <= runs(); ++seed) {
    SCOPED_TRACE("run " + std::to_string(seed));
    Dice dice(seed);
    Load load;
    load.connection.protocol = Protocol::text;
    load.connections = static_cast<std::uint32_t>(dice.between(1, 5));
    const auto rate = static_cast<double>(dice.between(1, 300));
    load.stages = {{milliseconds(dice, 1, 1500), rate}};
    if (dice.chance(50)) {
      load.messages = dice.between(1, 50);
      load.stages[0].length = std::chrono::seconds(load.messages + 1);
    } else {
      load.duration = load.stages[0].length;
    }
    BenchRig rig(load);
    rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes); };
    const BenchResult result = result_of(rig, rig.run());
    EXPECT_EQ(result.tally.counts.done, result.tally.due);
    ASSERT_NEAR(result.intended_rate, rate, rate * 1e-6);
    ASSERT_NEAR(result.rate(), rate, rate * 1e-6);
  }
}

}  // namespace
}  // namespace fairlead
