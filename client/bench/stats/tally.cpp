#include "client/bench/stats/tally.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace fairlead {
namespace {

template <std::size_t Size>
void add(std::array<std::uint64_t, Size>& to, const std::array<std::uint64_t, Size>& what) {
  std::transform(to.begin(), to.end(), what.begin(), to.begin(), std::plus<>());
}

template <std::size_t Size>
std::uint64_t sum(const std::array<std::uint64_t, Size>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::string_view name_of(BenchError error) noexcept {
  constexpr std::array<std::string_view, kBenchErrors> kNames{
      "refused",  "unreachable", "no_port",         "no_descriptor", "connect_timeout",
      "reset",    "vanished",    "closed",          "short_read",    "reply_timeout",
      "protocol", "turned_away", "request_refused", "other"};
  return kNames[static_cast<std::size_t>(error)];
}

std::string_view name_of(Wait wait) noexcept {
  constexpr std::array<std::string_view, kWaits> kNames{"reply", "connection", "back_off", "test"};
  return kNames[static_cast<std::size_t>(wait)];
}

std::string_view name_of(MismatchKind kind) noexcept {
  constexpr std::array<std::string_view, kMismatchKinds> kNames{"content", "length", "order",
                                                                "unasked"};
  return kNames[static_cast<std::size_t>(kind)];
}

void keep_first(std::vector<Mismatch>& first, const Mismatch& mismatch) {
  const auto place = std::ranges::upper_bound(first, mismatch.number, {}, &Mismatch::number);
  if (place - first.begin() == kMismatchesShown) return;
  first.insert(place, mismatch);
  if (first.size() > kMismatchesShown) first.pop_back();
}

std::uint64_t BenchCounts::all_errors() const noexcept { return sum(errors); }

std::uint64_t BenchCounts::all_connect_errors() const noexcept { return sum(connect_errors); }

std::uint64_t BenchCounts::all_mismatches() const noexcept { return sum(mismatches); }

BenchCounts& BenchCounts::operator+=(const BenchCounts& other) noexcept {
  for (const auto counter : kCounters) this->*counter += other.*counter;
  add(errors, other.errors);
  add(connect_errors, other.connect_errors);
  add(mismatches, other.mismatches);
  return *this;
}

Interval& Interval::operator+=(const Interval& other) noexcept {
  counts += other.counts;
  latency += other.latency;
  connections_open += other.connections_open;
  return *this;
}

Tally& Tally::operator+=(const Tally& other) {
  constexpr std::uint64_t Tally::*kCounters[] = {
      &Tally::held_by_socket, &Tally::connections_open, &Tally::connections_lost, &Tally::due,
      &Tally::timed_out,      &Tally::unfinished,       &Tally::done_in_time};
  for (const auto counter : kCounters) this->*counter += other.*counter;
  add(held, other.held);
  add(never_sent, other.never_sent);
  last_received = std::max(last_received, other.last_received);
  for (const auto histogram : {&Tally::intended, &Tally::actual, &Tally::connect})
    this->*histogram += other.*histogram;
  counts += other.counts;
  lateness += other.lateness;
  for (const Mismatch& mismatch : other.first_mismatches) keep_first(first_mismatches, mismatch);
  return *this;
}

std::uint64_t Tally::all_never_sent() const noexcept { return sum(never_sent); }

std::uint64_t Ledger::fates() const noexcept { return ended() + unfinished + sum(never_sent); }

Ledger ledger_of(const Tally& tally) noexcept {
  const BenchCounts& counts = tally.counts;
  return {.due = tally.due,
          .done = counts.done,
          .wrong = counts.all_mismatches() - counts.unasked(),
          .failed = counts.all_errors() - tally.timed_out,
          .timed_out = tally.timed_out,
          .unfinished = tally.unfinished,
          .never_sent = tally.never_sent};
}

}  // namespace fairlead
