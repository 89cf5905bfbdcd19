// What one shard has counted. Written by its thread only, in plain memory; read by others through
// a task that is posted to its loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "common/protocol/close_reason.hpp"

namespace fairlead {

// A figure of `Figures` and its name in the log. The tables below are the only lists of these
// figures: they are added up and shown by them.
template <class Figures>
struct FigureRow {
  std::string_view name;
  std::uint64_t Figures::*member;
};

// Invariant, once a turn has ended: accepted + taken_over == open + sum(closed) + handed_over.
struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  // Of sessions that have ended; Shard::report() adds those that are open.
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t shed = 0;    // connections ended because of max_buffer_memory
  std::uint64_t stalls = 0;  // the daemon was stopped or starved for a second or more
  // Sessions that an upgrade has brought from another process, and taken to one, their traffic
  // with them.
  std::uint64_t taken_over = 0, handed_over = 0;

  std::array<std::uint64_t, kCloseReasonCount> closed{};  // by CloseReason

  Counters& operator+=(const Counters& other) noexcept;
};

inline constexpr FigureRow<Counters> kCounterTable[] = {
    {"accepted", &Counters::accepted},
    {"open", &Counters::open},
    {"bytes_in", &Counters::bytes_in},
    {"bytes_out", &Counters::bytes_out},
    {"messages_in", &Counters::messages_in},
    {"messages_out", &Counters::messages_out},
    {"shed", &Counters::shed},
    {"stalls", &Counters::stalls},
};
// Shown by daemons that have been part of an upgrade.
inline constexpr FigureRow<Counters> kUpgradeCounterTable[] = {
    {"taken_over", &Counters::taken_over},
    {"handed_over", &Counters::handed_over},
};
static_assert(sizeof(Counters) ==
                  (std::size(kCounterTable) + std::size(kUpgradeCounterTable) + kCloseReasonCount) *
                      sizeof(std::uint64_t),
              "every counter stands in the table");

// Sessions that are still being served, by protocol.
struct Census {
  std::uint64_t text = 0, len32 = 0, framed = 0, undecided = 0;

  Census& operator+=(const Census& other) noexcept;
};

inline constexpr FigureRow<Census> kCensusTable[] = {{"text", &Census::text},
                                                     {"len32", &Census::len32},
                                                     {"framed", &Census::framed},
                                                     {"undecided", &Census::undecided}};
static_assert(sizeof(Census) == std::size(kCensusTable) * sizeof(std::uint64_t),
              "every protocol stands in the table");

inline Counters& Counters::operator+=(const Counters& other) noexcept {
  for (const auto& [name, member] : kCounterTable) this->*member += other.*member;
  for (const auto& [name, member] : kUpgradeCounterTable) this->*member += other.*member;
  for (std::size_t i = 0; i < closed.size(); ++i) closed[i] += other.closed[i];
  return *this;
}

inline Census& Census::operator+=(const Census& other) noexcept {
  for (const auto& [name, member] : kCensusTable) this->*member += other.*member;
  return *this;
}

}  // namespace fairlead
