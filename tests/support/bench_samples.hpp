// Load tests as they may end, made up: for tests of what is shown of them.
#pragma once

#include "client/bench/judge/result.hpp"

namespace fairlead {

// 5,000 messages a second for 30 s behind 2 s of warm-up, to a server that stalls 100 ms once a
// second: 2 s of errors, one wrong reply, thresholds met and missed, DOUBTFUL.
inline BenchResult open_loop_sample() {
  BenchResult result{.address = "127.0.0.1:7878",
                     .version = "0.1.0",
                     .began = std::chrono::system_clock::from_time_t(1'795'315'195),
                     .configuration = {{"connections", "100"},
                                       {"rate", "5k"},
                                       {"duration", "30s"},
                                       {"message", "hello {seq}\\n"}},
                     .is_open_loop = true,
                     .intended_rate = 5000,
                     .measured_seconds = 30,
                     .connections = 100,
                     .threads = {{.cpu_seconds = 9.3, .wall_seconds = 30},
                                 {.cpu_seconds = 8.7, .wall_seconds = 30}},
                     .server = ServerUse{.pid = 4711, .cpu_seconds = 1.83}};
  Tally& tally = result.tally;
  std::uint64_t state = 1;
  const auto random = [&state](std::uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
  };
  for (std::uint32_t second = 0; second < 32; ++second) {
    Interval interval{.second = second, .connections_open = 100};
    const bool is_warmup = second < 2;
    for (std::uint64_t i = 0; i < 5000; ++i) {
      // A few of the 500 that were due within the stall had been sent: the rest wait to be sent.
      const std::uint64_t spread = 60 + 25 * (second % 7);
      const std::uint64_t quick = 90 + random(spread) + (random(50) == 0 ? random(900) : 0);
      const bool is_stalled = i < 500;
      const std::uint64_t intended = is_stalled ? (500 - i) * 200 + quick : quick;
      const std::uint64_t actual = is_stalled && i < 2 ? intended : quick;
      interval.latency.record(intended);
      if (is_warmup) continue;
      tally.intended.record(intended);
      tally.actual.record(actual);
      tally.lateness.record(random(40));
    }
    interval.counts = {.sent = 5000, .done = 5000, .bytes_out = 320'000, .bytes_in = 320'000};
    if (second == 17 || second == 18) {
      const std::uint64_t resets = second == 17 ? 12 : 3;
      interval.counts.errors[static_cast<std::size_t>(BenchError::reset)] = resets;
      interval.counts.connects = resets;
      interval.counts.done -= resets;
    }
    if (!is_warmup) tally.counts += interval.counts;
    result.series.push_back(series_row(interval, is_warmup));
  }
  for (std::uint64_t i = 0; i < 115; ++i) tally.connect.record(150 + random(300));
  tally.counts.done -= 1;
  tally.counts.mismatches[static_cast<std::size_t>(MismatchKind::content)] = 1;
  tally.first_mismatches = {{.number = 98'765,
                             .connection = 64,
                             .of_connection = 988,
                             .offset = 6,
                             .shown_from = 0,
                             .expected = "hello 98765\n",
                             .got = "hello 97765\n"}};
  tally.counts.connects = 115;
  tally.connections_open = 100;
  tally.connections_lost = 15;
  tally.held = {13'440, 0, 0, 0};
  tally.unfinished = 3;
  tally.never_sent = {10, 2, 0, 0};
  tally.due = 150'015;
  tally.done_in_time = 149'980;
  result.verdict = {.belief = Belief::doubtful,
                    .reasons = {"thread 1 used 82 % of its core: what waited for it is measured as "
                                "if it had waited for the server",
                                "13,440 messages were due while their connection waited for "
                                "replies: the server is too slow for the rate"}};
  result.thresholds = {
      {.text = "p50<1ms", .value = 121, .met = true, .figure = "121 us"},
      {.text = "p99<20ms", .value = 90'112, .met = false, .figure = "90.1 ms"},
      {.text = "p99.999<1s", .met = false, .note = "too few samples: 1,000,000 are needed"}};
  return result;
}

// As fast as replies come, for 10 s, to a server that does nothing wrong.
inline BenchResult closed_loop_sample() {
  BenchResult result{.address = "[::1]:6379",
                     .version = "0.1.0",
                     .began = std::chrono::system_clock::from_time_t(1'795'315'195),
                     .configuration = {{"connections", "50"}, {"message", "PING\\r\\n"}},
                     .measured_seconds = 10,
                     .connections = 50,
                     .threads = {{.cpu_seconds = 4.1, .wall_seconds = 10}}};
  for (std::uint32_t second = 0; second < 10; ++second) {
    Interval interval{.second = second, .connections_open = 50};
    for (std::uint64_t i = 0; i < 800; ++i) {
      const std::uint64_t latency = 200 + i % 97 + (i % 100 == 99 ? 700 : 0);
      interval.latency.record(latency);
      result.tally.actual.record(latency);
    }
    interval.counts = {.sent = 800, .done = 800, .bytes_out = 4800, .bytes_in = 5600};
    result.tally.counts += interval.counts;
    result.series.push_back(series_row(interval, false));
  }
  result.tally.due = result.tally.done_in_time = 8000;
  result.tally.counts.connects = result.tally.connections_open = 50;
  for (std::uint64_t i = 0; i < 50; ++i) result.tally.connect.record(100 + i);
  return result;
}

// Nobody listened.
inline BenchResult failed_sample() {
  BenchResult result{
      .address = "192.0.2.1:7", .version = "0.1.0", .measured_seconds = 1, .connections = 1};
  result.tally.counts.connect_errors[static_cast<std::size_t>(BenchError::refused)] = 9;
  Interval interval{.counts = result.tally.counts};
  result.series.push_back(series_row(interval, false));
  result.verdict = {.belief = Belief::invalid, .reasons = {"no operation was completed"}};
  return result;
}

// What a peer, or whoever pastes a command line, may want to smuggle into a report.
inline constexpr std::string_view kHostile =
    "<script>alert(1)</script>\" onload='x' &amp; ]]>\x1b[2J\r\n\xff\xc0\x80 "
    "\xe2\x80\xae\xe2\x81\xa6"
    "http://evil.example/ 好";

// The sample of an open loop, with that in every text.
inline BenchResult hostile_sample() {
  BenchResult result = open_loop_sample();
  const std::string hostile(kHostile);
  result.address = result.version = hostile;
  result.configuration = {{hostile, hostile}, {"message", std::string(100'000, '<')}};
  result.verdict.reasons = {hostile};
  result.thresholds = {{.text = hostile, .figure = hostile, .note = hostile}};
  Mismatch& mismatch = result.tally.first_mismatches.front();
  mismatch.note = mismatch.got = mismatch.expected = hostile;
  result.tally.first_mismatches.push_back(mismatch);
  return result;
}

}  // namespace fairlead
