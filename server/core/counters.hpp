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
  std::uint64_t messages_dropped = 0;  // pushed to clients that were too far behind to get them
  std::uint64_t relieved = 0;          // sessions ended because of max_buffer_memory
  std::uint64_t stalls = 0;            // the daemon was stopped or starved for a second or more

  Counters& operator+=(const Counters& other) noexcept {
    accepted += other.accepted;
    open += other.open;
    for (std::size_t i = 0; i < closed.size(); ++i) closed[i] += other.closed[i];
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    messages_in += other.messages_in;
    messages_out += other.messages_out;
    messages_dropped += other.messages_dropped;
    relieved += other.relieved;
    stalls += other.stalls;
    return *this;
  }
};

}  // namespace fairlead
