// Every way a conversation can end has one name and one number: the same in the session log, in the
// counters and in the ERROR and GOAWAY frames that tell the client. docs/protocol.md lists them; a
// test holds that list against this one.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead {

// The numbers are part of the protocol: never reuse or renumber one.
enum class CloseReason : std::uint8_t {
  none = 0,                // not closed yet
  peer_closed = 1,         // the client ended its side after it had said something
  eof_before_data = 2,     // the client ended its side and had said nothing
  reset = 3,               // the connection was reset by the client (ECONNRESET, EPIPE)
  peer_vanished = 4,       // the network lost the client (ETIMEDOUT, EHOSTUNREACH, ...)
  close_after = 5,         // the service's close_after was reached
  idle_timeout = 6,        // nothing moved for `idle`
  first_byte_timeout = 7,  // the client said nothing for `first_byte`
  message_timeout = 8,     // a message was begun and not finished within `message`
  write_timeout = 9,       // replies were waiting and the client took no byte for `write`
  slow_consumer = 10,      // a client of a pushing service fell too far behind
  message_too_big = 11,    // a message above max_message
  protocol_error = 12,     // bytes that the protocol does not allow
  rate_limited = 13,       // connected too often
  server_full = 14,        // max_connections
  ip_limit = 15,           // max_per_ip
  denied = 16,             // [access]
  draining = 17,           // the daemon is stopping
  restart = 18,            // the daemon is being replaced
  kicked = 19,             // an operator ended it
  file_changed = 20,       // the file changed while it was being sent
  internal_error = 21,     // our fault; the log has more
  completed = 22,          // the service has said all it had to say (a text download)
  unknown_service = 23,  // OPEN of a name that is not offered here (an ERROR code; ends no session)
  no_such_file =
      24,  // missing or forbidden, which look the same (an ERROR code; a text download just ends)
  too_many_channels = 25,  // OPEN above kChannelsMax (an ERROR code; ends no session)
  no_such_channel = 26,  // a message on a channel that is not open (an ERROR code; ends no session)
};

inline constexpr std::uint8_t kCloseReasonCount = 27;

// True for those who were never let in: they are told and closed, and count for no limit.
constexpr bool is_refusal(CloseReason reason) noexcept {
  return reason == CloseReason::denied || reason == CloseReason::server_full ||
         reason == CloseReason::ip_limit || reason == CloseReason::rate_limited;
}

// "peer_closed"; "unknown" for a number that is none.
std::string_view name_of(CloseReason reason) noexcept;

// One sentence for the person at the other end, as it stands in ERROR frames. ASCII.
std::string_view explanation_of(CloseReason) noexcept;

}  // namespace fairlead
