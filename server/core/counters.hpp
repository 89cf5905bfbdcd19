// What one shard has counted. Written by its thread only, in plain memory; read by others through
// its mailbox.
#pragma once

#include <array>
#include <cstdint>

#include "common/protocol/close_reason.hpp"

namespace fairlead {

// Invariant, once a turn has ended: accepted == open + sum(closed).
struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  std::array<std::uint64_t, kCloseReasonCount> closed{};  // by CloseReason
  // Of sessions that have ended; Shard::report() adds those that are open.
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t messages_in = 0, messages_out = 0;

  Counters& operator+=(const Counters& other) noexcept {
    accepted += other.accepted;
    open += other.open;
    for (std::size_t i = 0; i < closed.size(); ++i) closed[i] += other.closed[i];
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    messages_in += other.messages_in;
    messages_out += other.messages_out;
    return *this;
  }
};

}  // namespace fairlead
