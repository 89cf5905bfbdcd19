// The engine of a load test: what it sends, when, and what it counts.
#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "tests/unit/bench/engine/bench_rig.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kSize = 64;

Load closed_loop(std::uint64_t messages, std::uint32_t connections = 1,
                 std::uint32_t inflight = 1) {
  Load load;
  load.connections = connections;
  load.inflight = inflight;
  load.messages = messages;
  load.connection.protocol = Protocol::text;
  return load;
}

Load open_loop(double rate, BenchDuration duration, std::uint32_t connections = 1) {
  Load load = closed_loop(0, connections);
  load.stages = {{duration, rate}};
  load.duration = duration;
  return load;
}

std::uint64_t errors(const Tally& tally, BenchError error) {
  return tally.counts.errors[static_cast<std::size_t>(error)];
}
std::uint64_t mismatches(const Tally& tally, MismatchKind kind) {
  return tally.counts.mismatches[static_cast<std::size_t>(kind)];
}

using Buckets = std::vector<std::array<std::uint64_t, 3>>;
template <class AHistogram>
Buckets buckets(const AHistogram& histogram) {
  Buckets result;
  histogram.each([&](std::uint64_t least, std::uint64_t greatest, std::uint64_t times) {
    result.push_back({least, greatest, times});
  });
  return result;
}

BenchDuration at_once(std::uint64_t) { return 0us; }

// ---- Latency ----

TEST(BenchWorker, FindsEveryLatencyExactlyToItsBucket) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Load load = open_loop(900, 10s, 7);
    load.inflight = 1000;
    BenchRig rig(load);
    std::mt19937_64 random(seed);
    std::exponential_distribution<double> service(1.0 / 1000);  // us
    std::vector<BenchDuration> services;
    ModelEcho server(rig, kSize, [&](std::uint64_t) {
      services.push_back(std::chrono::microseconds(static_cast<int>(service(random))));
      return services.back();
    });
    const Tally& tally = rig.run();

    Histogram expected;
    BenchDuration free_at{0};
    for (std::uint64_t n = 0; n < services.size(); ++n) {
      const BenchDuration due = rig.plan().arrivals->due(n);
      free_at = std::max(free_at, due) + services[n];
      expected.record(static_cast<std::uint64_t>((free_at - due) / 1us));
    }
    EXPECT_EQ(tally.counts.done, 9000U);
    EXPECT_EQ(tally.counts.sent, 9000U);
    EXPECT_EQ(buckets(tally.intended), buckets(expected));
    EXPECT_EQ(buckets(tally.actual), buckets(expected));
    EXPECT_EQ(tally.lateness.max(), 0U);
  }
}

// A server that stalls for 100 ms once a second.
const Tally& run_stalling(BenchRig& rig, std::unique_ptr<ModelEcho>& server) {
  server = std::make_unique<ModelEcho>(rig, kSize, [&rig, stalls = 0](std::uint64_t) mutable {
    const bool is_stall = rig.elapsed() >= (stalls + 1) * 1s;
    if (is_stall) ++stalls;
    return is_stall ? 100ms : 100us;
  });
  return rig.run();
}

TEST(BenchWorker, ChargesAStallToEveryMessageDueInIt) {
  BenchRig rig(open_loop(1000, 10500ms));
  std::unique_ptr<ModelEcho> server;
  const Tally& tally = run_stalling(rig, server);
  EXPECT_EQ(tally.counts.done, 10500U);
  // One message in ten is due in a stall, and waits for half of it or more every second time.
  EXPECT_NEAR(static_cast<double>(tally.intended.quantile(0.95)), 50'000, 8'000);
  EXPECT_GT(tally.intended.quantile(0.99), 85'000U);
  // Seen from when they could be sent, one in a thousand was slow.
  EXPECT_LT(tally.actual.quantile(0.99), 200U);
  EXPECT_NEAR(static_cast<double>(tally.held[0]), 10 * 110, 60);
  EXPECT_EQ(tally.lateness.max(), 0U);  // none of this is our own fault
}

TEST(BenchWorker, HidesTheSameStallInAClosedLoop) {
  Load load = closed_loop(0);
  load.duration = 10500ms;
  BenchRig rig(load);
  std::unique_ptr<ModelEcho> server;
  const Tally& tally = run_stalling(rig, server);
  EXPECT_GT(tally.counts.done, 90'000U);
  EXPECT_LT(tally.actual.quantile(0.999), 200U);
  EXPECT_EQ(tally.actual.max(), 100'000U);
  EXPECT_EQ(tally.intended.count(), 0U);
}

TEST(BenchWorker, CountsOnlyAfterTheWarmUp) {
  Load load = open_loop(100, 5s);
  load.warmup = 2s;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, [](std::uint64_t n) { return n < 200 ? 5ms : 1ms; });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 300U);
  EXPECT_EQ(tally.intended.max(), 1000U);
  EXPECT_EQ(tally.connect.count(), 1U);
  ASSERT_EQ(rig.intervals().size(), 5U);
  for (std::uint32_t second = 0; second < 5; ++second) {
    const Interval& interval = rig.intervals()[second];
    EXPECT_EQ(interval.second, second);
    EXPECT_EQ(interval.counts.done, 100U);
    EXPECT_EQ(interval.counts.bytes_out, 100 * kSize);
    EXPECT_EQ(interval.counts.bytes_in, 100 * kSize);
    EXPECT_EQ(interval.latency.max(), second < 2 ? 5000U : 1000U);
    EXPECT_EQ(interval.connections_open, 1U);
  }
}

TEST(BenchWorker, MeasuresItsOwnLateness) {
  BenchRig rig(open_loop(1000, 1s));
  ModelEcho server(rig, kSize, at_once);
  rig.wakes_late_by = [](BenchDuration elapsed) { return elapsed < 500ms ? 0us : 300us; };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.lateness.count(), 1000U);
  EXPECT_EQ(tally.lateness.quantile(0.49), 0U);
  EXPECT_EQ(tally.lateness.max(), 300U);
  EXPECT_EQ(tally.intended.max(), 300U);
  EXPECT_EQ(tally.actual.max(), 0U);
  EXPECT_EQ(tally.held[0], 0U);
}

TEST(BenchWorker, CountsDueMessagesThatWereNeverSent) {
  BenchRig rig(open_loop(100, 1s));
  ModelEcho server(rig, kSize, [](std::uint64_t) { return 105ms; });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.sent, 10U);
  EXPECT_EQ(tally.counts.done, 10U);
  EXPECT_EQ(tally.never_sent, (Waits{90, 0, 0, 0}));
}

// ---- Operations ----

TEST(BenchWorker, EndsAfterTheRequestedOperations) {
  BenchRig rig(closed_loop(1000, 3, 16));
  ModelEcho server(rig, kSize, [](std::uint64_t) { return 1us; });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.sent, 1000U);
  EXPECT_EQ(tally.counts.done, 1000U);
  EXPECT_EQ(tally.counts.all_errors(), 0U);
  EXPECT_EQ(tally.counts.all_mismatches(), 0U);
  EXPECT_EQ(tally.unfinished, 0U);
  EXPECT_EQ(tally.connections_open, 3U);
}

TEST(BenchWorker, SendsInOneWriteAfterOneRead) {
  BenchRig rig(closed_loop(160, 1, 16));
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes); };
  rig.run();
  EXPECT_EQ(rig.writes(), std::vector<std::size_t>(10, 16 * kSize));
}

TEST(BenchWorker, ChecksRepliesAtEverySplit) {
  for (std::size_t piece = 1; piece <= 2 * kSize + 1; ++piece) {
    BenchRig rig(closed_loop(20, 1, 4));
    rig.delivery_bytes_max = piece;
    rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes); };
    const Tally& tally = rig.run();
    EXPECT_EQ(tally.counts.done, 20U) << piece;
    EXPECT_EQ(tally.counts.all_mismatches(), 0U) << piece;
  }
}

TEST(BenchWorker, ReplacesAConnectionAfterItsOperations) {
  Load load = closed_loop(100, 2, 4);
  load.reconnect_every = 10;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, [](std::uint64_t) { return 10us; });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 100U);
  EXPECT_EQ(tally.counts.all_errors(), 0U);
  EXPECT_EQ(tally.connections_lost, 0U);
  // Ten each, and the last one is not opened for nothing... but nobody knows that it is the last.
  EXPECT_GE(rig.connects(), 10U);
  EXPECT_LE(rig.connects(), 12U);
}

TEST(BenchWorker, TakesTheAddressesOfTheServerInTurn) {
  using Places = std::vector<std::string>;
  const std::vector<Destination> servers{
      {.address = {}, .path = "/a"}, {.address = {}, .path = "/b"}, {.address = {}, .path = "/c"}};
  BenchRig beside(closed_loop(10, 5), servers);
  ModelEcho server(beside, kSize, at_once);
  EXPECT_EQ(beside.run().counts.done, 10U);
  EXPECT_EQ(beside.destinations(), (Places{"unix:/a", "unix:/b", "unix:/c", "unix:/a", "unix:/b"}));

  Load load = closed_loop(4, 1);
  load.mode = BenchMode::conn;
  BenchRig in_turn(load, servers);
  ModelEcho other(in_turn, kSize, at_once);
  EXPECT_EQ(in_turn.run().counts.done, 4U);
  EXPECT_EQ(in_turn.destinations(), (Places{"unix:/a", "unix:/b", "unix:/c", "unix:/a"}));
}

TEST(BenchWorker, ConnectsForEachOperation) {
  Load load = closed_loop(50, 4);
  load.mode = BenchMode::conn;
  BenchRig rig(load);
  rig.connect_time = 200us;
  ModelEcho server(rig, kSize, [](std::uint64_t) { return 100us; });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 50U);
  EXPECT_EQ(rig.connects(), 50U);
  EXPECT_EQ(tally.connect.max(), 200U);
  EXPECT_GE(tally.actual.min(), 300U);  // connecting is a part of the operation
  EXPECT_EQ(tally.connections_lost, 0U);
  EXPECT_EQ(tally.connections_open, 0U);
}

TEST(BenchWorker, WaitsForAGreetingOnEachConnection) {
  Load load = closed_loop(20, 2);
  load.mode = BenchMode::greet;
  load.expectation = {.kind = ExpectationSettings::Kind::text, .text = "hello\r\n"};
  BenchRig rig(load);
  rig.greet = [&rig](std::size_t peer) {
    rig.say(peer, peer == 7 ? "hullo\r\n" : "hello\r\n", 1ms);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 19U);
  EXPECT_EQ(mismatches(tally, MismatchKind::content), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).offset, 1U);
  EXPECT_EQ(rig.writes().size(), 0U);
}

TEST(BenchWorker, SkipsAGreeting) {
  Load load = closed_loop(20, 2);
  load.skip_greeting = true;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, at_once);
  rig.greet = [&rig](std::size_t peer) { rig.say(peer, "220 ready\r\n", 1ms); };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 20U);
  EXPECT_EQ(tally.counts.all_mismatches(), 0U);
}

TEST(BenchWorker, EndsWithoutAnyGreeting) {
  Load load = closed_loop(5);
  load.skip_greeting = true;
  BenchRig rig(load);
  rig.greet = [&rig](std::size_t peer) { rig.end_stream(peer, 1ms); };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.sent, 0U);
  EXPECT_EQ(errors(tally, BenchError::closed), 5U);
  EXPECT_EQ(tally.counts.all_connect_errors(), 1U);  // before the load
}

TEST(BenchWorker, DownloadsAndComparesWithTheFirst) {
  Load load = closed_loop(10);
  load.mode = BenchMode::file;
  load.file_name = "song";
  BenchRig rig(load);
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) {
    EXPECT_EQ(bytes, "song\n");
    rig.say(peer, std::string(peer == 3 ? 99'999 : 100'000, peer == 5 ? 'x' : 'y'));
    rig.end_stream(peer, 1ms);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 8U);
  EXPECT_EQ(mismatches(tally, MismatchKind::length), 1U);
  EXPECT_EQ(mismatches(tally, MismatchKind::content), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).number, 4U);
  EXPECT_EQ(tally.actual.max(), 1000U);
}

TEST(BenchWorker, HoldsIdleConnections) {
  Load load = closed_loop(0, 300);
  load.mode = BenchMode::idle;
  load.duration = 2s;
  BenchRig rig(load);
  rig.greet = [&rig](std::size_t peer) {
    if (peer == 17) rig.end_stream(peer, 1s);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.connections_lost, 1U);
  EXPECT_EQ(tally.connections_open, 300U);  // it was opened again
  EXPECT_EQ(rig.connects(), 301U);
  EXPECT_EQ(tally.counts.all_errors(), 0U);
}

TEST(BenchWorker, SendsWithoutWaitingIfNoReplyIsExpected) {
  Load load = closed_loop(1000, 2);
  load.expectation.kind = ExpectationSettings::Kind::none;
  BenchRig rig(load);
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 1000U);
  EXPECT_EQ(tally.counts.bytes_out, 1000 * kSize);
}

TEST(BenchWorker, RepeatsItselfForTheSameSeed) {
  const auto sent = [](std::uint64_t seed) {
    Load load = closed_loop(100, 3, 2);
    load.seed = seed;
    BenchRig rig(load);
    std::string all;
    rig.serve = [&](std::size_t peer, const std::string& bytes) {
      all += bytes;
      rig.say(peer, bytes, 1us);
    };
    rig.run();
    return all;
  };
  EXPECT_EQ(sent(1), sent(1));
  EXPECT_NE(sent(1), sent(2));
}

TEST(BenchWorker, CountsLateRepliesInTheLastSecond) {
  BenchRig rig(open_loop(100, 2s));
  ModelEcho server(rig, kSize, [](std::uint64_t n) { return n < 199 ? 1ms : 500ms; });
  rig.run();
  ASSERT_EQ(rig.intervals().size(), 2U);
  EXPECT_EQ(rig.intervals()[1].counts.done, 100U);
}

TEST(BenchWorker, StopsInOrder) {
  Load load = closed_loop(0);
  load.duration = 60s;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, [](std::uint64_t) { return 10ms; });
  rig.in(1001ms + 5ms, [&rig] { rig.stop(); });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.sent, tally.counts.done);
  EXPECT_EQ(tally.unfinished, 0U);
  EXPECT_LT(rig.elapsed(), 1100ms);
}

// ---- What goes wrong ----

TEST(BenchWorker, ReportsTheOneWrongReplyOfTenThousand) {
  for (const std::uint32_t inflight : {1U, 16U}) {
    BenchRig rig(closed_loop(10'000, 4, inflight));
    ModelEcho server(rig, kSize, [](std::uint64_t) { return 1us; });
    std::string was;
    server.spoil = [&was](std::uint64_t n, std::string& reply) {
      if (n != 4321) return;
      was = reply;
      reply[17] ^= 1;
    };
    const Tally& tally = rig.run();
    ASSERT_EQ(tally.first_mismatches.size(), 1U);
    const Mismatch& wrong = tally.first_mismatches.front();
    EXPECT_EQ(mismatches(tally, MismatchKind::content), 1U);
    EXPECT_EQ(tally.counts.all_mismatches(), 1U);
    EXPECT_EQ(wrong.offset, 17U);
    // Its number finds the message that was sent.
    std::string scratch;
    const MessageKey key{wrong.number - 1, wrong.connection, wrong.of_connection - 1};
    EXPECT_EQ(rig.plan().messages.message(key, scratch), was);
    EXPECT_EQ(key.of_connection * 4 + key.connection, key.number);
    EXPECT_LT(tally.unfinished, inflight);
    EXPECT_EQ(tally.counts.done + tally.unfinished, 9'999U);
  }
}

TEST(BenchWorker, DetectsRepliesInTheWrongOrder) {
  BenchRig rig(closed_loop(2, 1, 2));
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) {
    rig.say(peer, bytes.substr(kSize) + bytes.substr(0, kSize));
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(mismatches(tally, MismatchKind::order), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).number, 1U);
}

TEST(BenchWorker, CountsUnaskedReplies) {
  BenchRig rig(closed_loop(2));
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes + "!"); };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 2U);
  EXPECT_EQ(mismatches(tally, MismatchKind::unasked), 2U);
}

TEST(BenchWorker, CountsEachKindOfError) {
  struct Case {
    BenchError error;
    std::uint64_t times;
    std::function<void(BenchRig&, std::size_t peer, const std::string& bytes)> serve;
  };
  // Two messages are outstanding when it happens to the first connection.
  const std::vector<Case> cases = {
      {BenchError::reset, 2,
       [](BenchRig& rig, std::size_t peer, const std::string&) {
         rig.break_off(peer, StreamError::reset);
       }},
      {BenchError::vanished, 2,
       [](BenchRig& rig, std::size_t peer, const std::string&) {
         rig.break_off(peer, StreamError::vanished);
       }},
      {BenchError::other, 2,
       [](BenchRig& rig, std::size_t peer, const std::string&) {
         rig.break_off(peer, StreamError::failed);
       }},
      {BenchError::closed, 2,
       [](BenchRig& rig, std::size_t peer, const std::string&) { rig.end_stream(peer); }},
      {BenchError::reply_timeout, 2, [](BenchRig&, std::size_t, const std::string&) {}},
  };
  for (const Case& one : cases) {
    Load load = closed_loop(10, 1, 2);
    load.reply_timeout = 1s;
    BenchRig rig(load);
    rig.serve = [&](std::size_t peer, const std::string& bytes) {
      if (peer == 0) return one.serve(rig, peer, bytes);
      rig.say(peer, bytes, 1us);
    };
    const Tally& tally = rig.run();
    EXPECT_EQ(errors(tally, one.error), one.times) << name_of(one.error);
    EXPECT_EQ(tally.counts.all_errors(), one.times) << name_of(one.error);
    EXPECT_EQ(tally.counts.done, 8U) << name_of(one.error);
    EXPECT_LT(rig.elapsed(), 1300ms) << name_of(one.error);
    EXPECT_EQ(tally.unfinished, 0U) << name_of(one.error);
  }
}

TEST(BenchWorker, DistinguishesAShortReadFromACleanEnd) {
  BenchRig rig(closed_loop(10, 1, 3));
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) {
    if (peer > 0) return rig.say(peer, bytes, 1us);
    if (bytes.size() > kSize) rig.say(peer, bytes.substr(0, kSize + 1));
    rig.end_stream(peer, 1us);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 7U);
  EXPECT_EQ(errors(tally, BenchError::short_read), 1U);
  EXPECT_EQ(errors(tally, BenchError::closed), 2U);  // of the other two that were outstanding
  EXPECT_EQ(tally.connections_lost, 1U);
}

TEST(BenchWorker, CountsFailuresToConnect) {
  const std::vector<std::pair<int, BenchError>> cases = {
      {ECONNREFUSED, BenchError::refused},      {EADDRNOTAVAIL, BenchError::no_port},
      {EMFILE, BenchError::no_descriptor},      {EHOSTUNREACH, BenchError::unreachable},
      {ETIMEDOUT, BenchError::connect_timeout},
  };
  for (const auto& [error, counted] : cases) {
    for (const BenchMode mode : {BenchMode::reply, BenchMode::conn}) {
      Load load = closed_loop(0);
      load.mode = mode;
      load.duration = 2s;
      BenchRig rig(load);
      ModelEcho server(rig, kSize, [](std::uint64_t) { return 1ms; });
      rig.accept = [error = error](std::size_t attempt) { return attempt < 3 ? error : 0; };
      const Tally& tally = rig.run();
      EXPECT_EQ(tally.counts.of(counted), 3U);
      EXPECT_EQ(tally.counts.all_errors(), mode == BenchMode::conn ? 3U : 0U);
      EXPECT_GT(tally.counts.done, 900U);
    }
  }
}

TEST(BenchWorker, GivesUpConnectingInTime) {
  Load load = closed_loop(10);
  load.connect_timeout = Duration(500);
  BenchRig rig(load);
  ModelEcho server(rig, kSize, at_once);
  rig.accept = [](std::size_t attempt) -> std::optional<int> {
    if (attempt == 0) return {};
    return 0;
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.of(BenchError::connect_timeout), 1U);
  EXPECT_EQ(tally.counts.done, 10U);
}

TEST(BenchWorker, EndsWithoutAListeningServer) {
  BenchRig rig(closed_loop(5));
  rig.accept = [](std::size_t) { return ECONNREFUSED; };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.sent, 0U);
  EXPECT_EQ(errors(tally, BenchError::refused), 5U);
  EXPECT_EQ(tally.counts.all_connect_errors(), 1U);  // before the load
}

// ---- Whose time it was ----

TEST(BenchWorker, CountsATimeOutAsALatency) {
  Load load = open_loop(100, 1s, 20);
  load.reply_timeout = 100ms;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, at_once);
  const auto echo = rig.serve;
  rig.serve = [&, n = 0](std::size_t peer, const std::string& bytes) mutable {
    if (n++ % 20 != 7) echo(peer, bytes);
  };
  const Tally& tally = rig.run();
  const Ledger ledger = ledger_of(tally);
  EXPECT_EQ(ledger.timed_out, 5U);
  EXPECT_EQ(ledger.done + ledger.timed_out, 100U);
  EXPECT_EQ(tally.actual.count(), 100U);
  EXPECT_GE(tally.actual.quantile(0.96), 100'000U);
  EXPECT_GE(tally.intended.quantile(0.96), 100'000U);
  EXPECT_LT(tally.actual.quantile(0.95), 1'000U);
}

// A connection that was given up at a time-out takes its other messages along.
TEST(BenchWorker, CountsNoTimeOutAsLessThanTheTimeOut) {
  Load load = closed_loop(8, 1, 4);
  load.reply_timeout = 100ms;
  BenchRig rig(load);
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) {
    if (peer > 0) rig.say(peer, bytes);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(ledger_of(tally).timed_out, 4U);
  EXPECT_EQ(tally.actual.count(), 8U);
  EXPECT_GE(tally.actual.quantile(0.51), 100'000U);
}

TEST(BenchWorker, CountsRepliesAfterTheEndInNoRate) {
  Load load = closed_loop(0, 1000);
  load.duration = 2s;
  BenchRig rig(load);
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes, 1500ms); };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 2000U);
  EXPECT_EQ(tally.done_in_time, 1000U);
}

TEST(BenchWorker, ConnectsAtOnceWhenAServerEndsInOrder) {
  BenchRig rig(open_loop(200, 4s, 4));
  ModelEcho server(rig, kSize, at_once);
  const auto echo = rig.serve;
  std::map<std::size_t, int> served;
  rig.serve = [&](std::size_t peer, const std::string& bytes) {
    echo(peer, bytes);
    if (++served[peer] == 10) rig.end_stream(peer);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 800U);
  EXPECT_EQ(tally.counts.all_errors(), 0U);
  EXPECT_EQ(tally.intended.max(), 0U);
  EXPECT_EQ(tally.held, (Waits{}));
}

// One that never answers is not tried without a pause, and the pause is the test's.
TEST(BenchWorker, PausesWhenAServerEndsBeforeItHasServed) {
  Load load = open_loop(200, 1s, 1);
  load.inflight = 1000;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, at_once);
  rig.greet = [&rig](std::size_t peer) {
    if (peer < 5) rig.end_stream(peer);
  };
  const Tally& tally = rig.run();
  EXPECT_EQ(rig.connects(), 6U);
  EXPECT_EQ(tally.counts.done + errors(tally, BenchError::closed), 200U);
  EXPECT_GT(tally.held[static_cast<std::size_t>(Wait::back_off)], 5U);
  EXPECT_EQ(tally.held[static_cast<std::size_t>(Wait::reply)], 0U);
}

TEST(BenchWorker, KnowsWhatADueMessageWaitedFor) {
  const auto never_sent = [](auto&& change) {
    BenchRig rig(open_loop(1000, 1s, 2));
    ModelEcho server(rig, kSize, at_once);
    change(rig);
    return rig.run().never_sent;
  };
  const Waits frozen = never_sent([](BenchRig& rig) {
    const auto echo = rig.serve;
    rig.serve = [&rig, echo](std::size_t peer, const std::string& bytes) {
      if (rig.elapsed() < 500ms) echo(peer, bytes);
    };
  });
  EXPECT_EQ(frozen, (Waits{498, 0, 0, 0}));

  const Waits killed = never_sent([](BenchRig& rig) {
    rig.in(501ms, [&rig] {
      rig.break_off(0, StreamError::reset);
      rig.break_off(1, StreamError::reset);
    });
    rig.accept = [](std::size_t attempt) { return attempt < 2 ? 0 : ECONNREFUSED; };
  });
  EXPECT_EQ(killed[static_cast<std::size_t>(Wait::reply)], 0U);
  EXPECT_EQ(killed[static_cast<std::size_t>(Wait::test)], 0U);
  EXPECT_NEAR(static_cast<double>(killed[1] + killed[2]), 500, 2);
  EXPECT_LE(killed[static_cast<std::size_t>(Wait::back_off)], 150U);  // of the last pauses

  const Waits late = never_sent([](BenchRig& rig) {
    rig.wakes_late_by = [](BenchDuration elapsed) { return elapsed < 500ms ? 0us : 10s; };
  });
  EXPECT_NEAR(static_cast<double>(late[static_cast<std::size_t>(Wait::test)]), 500, 5);
  EXPECT_EQ(late[0] + late[1] + late[2], 0U);
}

// The expected bytes of a long message are made once, however many pieces its reply has.
TEST(BenchWorker, MakesALongMessageOnce) {
  Load load = closed_loop(3);
  load.message.texts = {"{rand:1000000}"};
  load.connection.reply.boundary = ReplyBoundary::none;
  BenchRig rig(load);
  rig.delivery_bytes_max = 1000;
  rig.serve = [&rig](std::size_t peer, const std::string& bytes) { rig.say(peer, bytes); };
  const auto began = std::chrono::steady_clock::now();
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 3U);
  // 3,000 pieces: made for each of them, it would be 3 GB.
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST(BenchWorker, BeginsASecondWhereTheWarmUpEnds) {
  Load load = open_loop(100, 3s);
  load.warmup = 1500ms;
  BenchRig rig(load);
  ModelEcho server(rig, kSize, at_once);
  const Tally& tally = rig.run();
  std::vector<std::uint64_t> done;
  for (const Interval& interval : rig.intervals()) done.push_back(interval.counts.done);
  EXPECT_EQ(done, (std::vector<std::uint64_t>{50, 100, 100, 50}));
  EXPECT_EQ(tally.counts.done, 150U);
}

// ---- framed ----

std::string frame(FrameType type, std::uint32_t request_id, const std::string& payload,
                  std::uint16_t channel = 0) {
  const auto header = frame_header(
      {.type = type, .channel = channel, .request_id = request_id, .payload = payload});
  return std::string(header.data(), header.size()) + payload;
}

// Answers a framed client; what it says to each message is up to the test.
class ModelFramed {
 public:
  using Answer = std::function<std::string(std::uint32_t id, const std::string& payload)>;
  ModelFramed(BenchRig& rig, Answer answer) : rig_(rig), answer_(std::move(answer)) {
    rig.serve = [this](std::size_t peer, const std::string& bytes) { take(peer, bytes); };
  }

 private:
  void take(std::size_t peer, const std::string& bytes) {
    std::string& rest = rest_[peer];
    rest += bytes;
    std::string answers;
    if (rest.starts_with(kPreface)) {
      rest.erase(0, kPreface.size());
      answers = std::string(kPreface) +
                frame(FrameType::hello, 0, {"\0\1\0\x40\0\x10\0\0\1s\4echo\0", 16});
    }
    while (rest.size() >= kFrameHeaderBytes) {
      const std::size_t size = kFrameHeaderBytes + read_big_endian_32(rest.data());
      if (rest.size() < size) break;
      if (rest[4] == static_cast<char>(FrameType::message) ||
          rest[4] == static_cast<char>(FrameType::get)) {
        answers += answer_(read_big_endian_32(rest.data() + 8),
                           rest.substr(kFrameHeaderBytes, size - kFrameHeaderBytes));
      }
      rest.erase(0, size);
    }
    rig_.say(peer, answers, 1us);
  }

  BenchRig& rig_;
  Answer answer_;
  std::map<std::size_t, std::string> rest_;
};

Load framed(std::uint64_t messages, std::uint32_t inflight) {
  Load load = closed_loop(messages, 1, inflight);
  load.connection.protocol = Protocol::framed;
  return load;
}

TEST(BenchWorker, ContinuesAfterAWrongFramedReply) {
  BenchRig rig(framed(100, 8));
  ModelFramed server(rig, [](std::uint32_t id, const std::string& payload) {
    if (id == 10) return frame(FrameType::error, id, {"\0\0\0\1no", 6});
    return frame(FrameType::reply, id, id == 20 ? payload + "!" : payload);
  });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 98U);
  EXPECT_EQ(errors(tally, BenchError::request_refused), 1U);
  EXPECT_EQ(mismatches(tally, MismatchKind::length), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).number, 20U);
  EXPECT_EQ(rig.connects(), 1U);
}

TEST(BenchWorker, KnowsFramedRepliesByTheirRequest) {
  BenchRig rig(framed(8, 8));
  std::string held;
  ModelFramed server(rig, [&held](std::uint32_t id, const std::string& payload) -> std::string {
    if (id == 3) {
      held = frame(FrameType::reply, id, payload);
      return {};
    }
    std::string answer = frame(FrameType::reply, id, payload);
    if (id == 4) answer += held;
    if (id == 5) answer += frame(FrameType::reply, 2, "again");
    return answer;
  });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 7U);
  EXPECT_EQ(mismatches(tally, MismatchKind::order), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).number, 4U);
  EXPECT_EQ(mismatches(tally, MismatchKind::unasked), 1U);
}

TEST(BenchWorker, DownloadsFilesFramed) {
  Load load = framed(20, 4);
  load.mode = BenchMode::file;
  load.file_name = "song";
  BenchRig rig(load);
  ModelFramed server(rig, [](std::uint32_t id, const std::string&) {
    if (id == 5) return frame(FrameType::error, id, {"\0\0\0\1no", 6});
    return frame(FrameType::begin, id, "") + frame(FrameType::data, id, "half") +
           frame(FrameType::data, id, id == 9 ? "helf" : "half") + frame(FrameType::end, id, "");
  });
  const Tally& tally = rig.run();
  EXPECT_EQ(tally.counts.done, 18U);
  EXPECT_EQ(errors(tally, BenchError::request_refused), 1U);
  EXPECT_EQ(mismatches(tally, MismatchKind::content), 1U);
  EXPECT_EQ(tally.first_mismatches.at(0).number, 9U);
}

}  // namespace
}  // namespace fairlead
