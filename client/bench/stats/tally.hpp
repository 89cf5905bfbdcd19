// The counters of a load test: of one thread, or of several together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/stats/bench_time.hpp"
#include "common/base/histogram.hpp"

namespace fairlead {

// Why an operation failed.
enum class BenchError : std::uint8_t {
  refused,          // no server listens
  unreachable,      // not connected, for any other reason of the network
  no_port,          // EADDRNOTAVAIL: the source addresses have no port left
  no_descriptor,    // EMFILE, ENFILE
  connect_timeout,  //
  reset,            // the server's side broke the connection off
  vanished,         // the network lost the server
  closed,           // the server ended the connection before the first byte of a pending reply
  short_read,       // the same within a reply
  reply_timeout,    //
  protocol,         // what came was not of the protocol, or above its limit
  turned_away,      // a framed server said why it ends
  request_refused,  // a framed server answered with ERROR
  other,            // our side of the connection failed
};
inline constexpr std::size_t kBenchErrors = static_cast<std::size_t>(BenchError::other) + 1;

// As in reports: "refused", "reply_timeout", ...
std::string_view name_of(BenchError error) noexcept;

// What a due message waits for before it can be sent. Open loop only.
enum class Wait : std::uint8_t {
  reply,       // its connection waits for replies, or the server does not take what was sent
  connection,  // there is no connection: it is being made, or making it has failed
  back_off,    // the test's own pause after a failure
  test,        // nothing: the test is late
};
inline constexpr std::size_t kWaits = static_cast<std::size_t>(Wait::test) + 1;
using Waits = std::array<std::uint64_t, kWaits>;
std::string_view name_of(Wait wait) noexcept;  // "reply", "connection", ...

// How a reply was wrong.
enum class MismatchKind : std::uint8_t { content, length, order, unasked };
inline constexpr std::size_t kMismatchKinds = static_cast<std::size_t>(MismatchKind::unasked) + 1;
std::string_view name_of(MismatchKind kind) noexcept;

// One of the first wrong replies of a run.
struct Mismatch {
  static constexpr std::size_t kShownBytes = 64;

  MismatchKind kind = MismatchKind::content;
  std::uint64_t number = 0;         // of the message, from 1, among all of the run
  std::uint32_t connection = 0;     // from 0
  std::uint64_t of_connection = 0;  // the message's number on its connection, from 1
  std::uint64_t offset = 0;         // the first wrong byte of the reply, from 0
  std::uint64_t shown_from = 0;     // of the reply, where the two below begin
  std::string expected = {};        // up to kShownBytes of what should have come
  std::string got = {};             // and of what came
  std::string note = {};            // e.g. the pattern that was not met
};

// Of the wrong replies of a run the first ones are shown.
inline constexpr std::size_t kMismatchesShown = 3;
// Puts it among `first`, by its number, if it is one of these.
void keep_first(std::vector<Mismatch>& first, const Mismatch& mismatch);

// Counts of one second of the run, or of all of it.
struct BenchCounts {
  std::uint64_t sent = 0;  // operations begun: messages, connections, downloads
  std::uint64_t done = 0;  // operations completed and right
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t connects = 0;                                // connections made
  std::array<std::uint64_t, kBenchErrors> errors{};          // operations that failed
  std::array<std::uint64_t, kBenchErrors> connect_errors{};  // tries to connect without one
  std::array<std::uint64_t, kMismatchKinds> mismatches{};    // operations, and `unasked`

  static constexpr std::uint64_t BenchCounts::*kCounters[] = {
      &BenchCounts::sent, &BenchCounts::done, &BenchCounts::bytes_out, &BenchCounts::bytes_in,
      &BenchCounts::connects};

  // Both kinds of errors.
  std::uint64_t of(BenchError error) const noexcept {
    return errors[static_cast<std::size_t>(error)] +
           connect_errors[static_cast<std::size_t>(error)];
  }
  std::uint64_t unasked() const noexcept {
    return mismatches[static_cast<std::size_t>(MismatchKind::unasked)];
  }
  std::uint64_t all_errors() const noexcept;
  std::uint64_t all_connect_errors() const noexcept;
  std::uint64_t all_mismatches() const noexcept;
  BenchCounts& operator+=(const BenchCounts& other) noexcept;
};

// One second of one thread, or of all. Latencies are those of the run's leading histogram: from the
// intended time in an open loop, from the actual one in a closed one.
struct Interval {
  std::uint32_t second = 0;  // of the run, from 0
  BenchCounts counts = {};
  CoarseHistogram latency = {};
  std::uint64_t connections_open = 0;  // at its end

  Interval& operator+=(const Interval& other) noexcept;
};

// The whole run after its warm-up. Latencies in microseconds. An operation that timed out has at
// least the time-out, one that is unfinished or was never sent the time for which it had waited.
struct Tally {
  BenchCounts counts = {};
  Histogram intended = {};  // from when the operation was due; open loop only
  Histogram actual = {};    // from when its last byte was handed to the kernel
  Histogram connect = {};   // how long connections took to be made, those of the warm-up included
  std::vector<Mismatch> first_mismatches = {};  // up to kMismatchesShown, by number

  // How well the load test itself kept up.
  CoarseHistogram lateness = {};       // open loop: from when a message was due, and its connection
                                       // free, until it was sent
  Waits held = {};                     // due while they had to wait, and sent later
  std::uint64_t held_by_socket = 0;    // the kernel did not take all of a message at once
  std::uint64_t connections_open = 0;  // at the end
  std::uint64_t connections_lost = 0;  // by the server or the network

  // The fates of what was due; see Ledger.
  std::uint64_t due = 0;         // closed loop: begun
  std::uint64_t timed_out = 0;   // among the errors
  std::uint64_t unfinished = 0;  // sent, and neither answered nor failed: the run ended, or a reply
                                 // before theirs was wrong
  Waits never_sent = {};         // due, and still held when the load ended

  std::uint64_t done_in_time = 0;  // completed within the measured time, whenever they began
  BenchTime last_received{};       // when bytes came last

  std::uint64_t all_never_sent() const noexcept;
  Tally& operator+=(const Tally& other);
};

// Every operation that was due in the measured time has exactly one fate:
// due = done + wrong + failed + timed_out + unfinished + the sum of never_sent.
struct Ledger {
  std::uint64_t due = 0;
  std::uint64_t done = 0;
  std::uint64_t wrong = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t unfinished = 0;
  Waits never_sent = {};

  // Completed, wrong or failed.
  std::uint64_t ended() const noexcept { return done + wrong + failed + timed_out; }
  std::uint64_t fates() const noexcept;
};
Ledger ledger_of(const Tally& tally) noexcept;

}  // namespace fairlead
