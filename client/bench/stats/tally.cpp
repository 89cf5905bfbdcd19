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

std::string_view name_of(MismatchKind kind) noexcept {
  constexpr std::array<std::string_view, kMismatchKinds> kNames{"content", "length", "order",
                                                                "unasked"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::uint64_t BenchCounts::all_errors() const noexcept { return sum(errors); }

std::uint64_t BenchCounts::all_mismatches() const noexcept { return sum(mismatches); }

BenchCounts& BenchCounts::operator+=(const BenchCounts& other) noexcept {
  for (const auto counter : kCounters) this->*counter += other.*counter;
  add(errors, other.errors);
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
      &Tally::held_by_inflight, &Tally::held_by_socket,   &Tally::unfinished,
      &Tally::unsent,           &Tally::connections_open, &Tally::connections_lost};
  for (const auto counter : kCounters) this->*counter += other.*counter;
  for (const auto histogram : {&Tally::intended, &Tally::actual, &Tally::connect})
    this->*histogram += other.*histogram;
  counts += other.counts;
  lateness += other.lateness;
  const bool other_first =
      other.first_mismatch &&
      (!first_mismatch || other.first_mismatch->number < first_mismatch->number);
  if (other_first) first_mismatch = other.first_mismatch;
  return *this;
}

}  // namespace fairlead
