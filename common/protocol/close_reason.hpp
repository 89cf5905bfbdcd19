// The reasons that the protocol, the session log and the counters give, each with one name and one
// number. docs/protocol.md has the same table; a test compares the two.
//
// A CloseReason ends a session. A RequestError answers one request and ends nothing, except for a
// plain client, whose one download is its session. They share their numbers: ERROR, CLOSE and
// GOAWAY carry either.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead {

// The numbers are part of the protocol: never reuse or renumber one.
enum class CloseReason : std::uint8_t {
  none = 0,                // not closed yet
  peer_closed = 1,         // the client ended its side after it had sent something
  eof_before_data = 2,     // the client ended its side and had sent nothing
  reset = 3,               // the client reset the connection (ECONNRESET, EPIPE)
  peer_vanished = 4,       // the network lost the client (ETIMEDOUT, EHOSTUNREACH, ...)
  close_after = 5,         // the service's close_after was reached
  idle_timeout = 6,        // no byte either way for `idle`
  first_byte_timeout = 7,  // the client sent nothing for `first_byte`
  message_timeout = 8,     // a message was begun and not finished within `message`
  write_timeout = 9,       // replies waited and the client took no byte for `write`
  slow_consumer = 10,      // the client had the most waiting when the memory for output was full
  message_too_big = 11,    // a message above max_message
  protocol_error = 12,     // bytes that the protocol does not allow
  rate_limited = 13,       // accept_rate or accept_rate_per_ip
  server_full = 14,        // max_connections or early_drop
  ip_limit = 15,           // max_per_ip
  denied = 16,             // [access]
  draining = 17,           // the daemon is stopping
  restart = 18,            // the daemon is being replaced
  kicked = 19,             // an operator ended it
  file_changed = 20,       // the file changed while it was being sent
  internal_error = 21,     // a bug, a lack of memory or a disk that fails; the log has more
  completed = 22,          // the service has sent everything (a text download)
  unknown_service = 23,    // only as a RequestError
  no_such_file = 24,       // a text download of a file that is missing or forbidden
  too_many_channels = 25,  // only as a RequestError
  no_such_channel = 26,    // only as a RequestError
};

inline constexpr std::uint8_t kCloseReasonCount = 27;

enum class RequestError : std::uint8_t {
  none = 0,
  message_too_big = 11,    // a file above 1 MiB as one reply
  server_full = 14,        // max_downloads, or the disks have too much to do
  file_changed = 20,       // the file has another identity than the request or the download
  internal_error = 21,     // a bug, a lack of memory or a disk that fails; the log has more
  unknown_service = 23,    // OPEN of a name that is not offered, or files of a service without any
  no_such_file = 24,       // missing or forbidden, which must look the same
  too_many_channels = 25,  // OPEN above kChannelsMax
  no_such_channel = 26,    // a request on a channel that is not open
};

// The reason with which a session ends that could only wait for this request.
constexpr CloseReason close_reason_of(RequestError error) noexcept {
  return static_cast<CloseReason>(error);
}

// The clients rejected at once: they count for no limit.
bool is_refusal(CloseReason) noexcept;

// A plain client is told this reason by the line `error: NAME: SENTENCE`, because it could not tell
// the end from a healthy one. Other reasons have no line, which would be taken for a reply.
bool is_written_to_plain_clients(CloseReason) noexcept;

// "peer_closed"; "unknown" for any other number.
std::string_view name_of(CloseReason) noexcept;
std::string_view name_of(RequestError) noexcept;

// One sentence for people, as it stands in ERROR frames. ASCII.
std::string_view explanation_of(CloseReason) noexcept;
std::string_view explanation_of(RequestError) noexcept;

}  // namespace fairlead
