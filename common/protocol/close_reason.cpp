#include "common/protocol/close_reason.hpp"

#include <array>

namespace fairlead {
namespace {

// The line with name and sentence that a plain client gets.
enum class Line : std::uint8_t {
  none,       // the stream just ends, or is reset
  at_end,     // before the end of the stream
  at_accept,  // the same, for a client that is rejected at once
};

struct Row {
  std::string_view name;
  Line line;
  std::string_view explanation;
};

// clang-format off
constexpr std::array<Row, kCloseReasonCount> kRows{{
  {"none",               Line::none,      "the connection is open"},
  {"peer_closed",        Line::none,      "the client ended the connection"},
  {"eof_before_data",    Line::none,      "the client ended the connection before it said anything"},
  {"reset",              Line::none,      "the client reset the connection"},
  {"peer_vanished",      Line::none,      "the client can no longer be reached"},
  {"close_after",        Line::none,      "this service ends the connection after so many messages"},
  {"idle_timeout",       Line::none,      "nothing was sent or received for too long"},
  {"first_byte_timeout", Line::none,      "nothing was received for too long after connecting"},
  {"message_timeout",    Line::none,      "a message was begun but not finished in time"},
  {"write_timeout",      Line::none,      "replies were not taken in time"},
  {"slow_consumer",      Line::none,      "this client fell too far behind"},
  {"message_too_big",    Line::at_end,    "the message is above the size limit"},
  {"protocol_error",     Line::none,      "the bytes received break the protocol"},
  {"rate_limited",       Line::at_accept, "too many connections in a short time; try again later"},
  {"server_full",        Line::at_accept, "the server is full; try again later"},
  {"ip_limit",           Line::at_accept, "too many connections from this address"},
  {"denied",             Line::at_accept, "this address may not connect"},
  {"draining",           Line::none,      "the server is shutting down"},
  {"restart",            Line::none,      "the server is restarting; connect again"},
  {"kicked",             Line::at_end,    "an operator ended the connection"},
  {"file_changed",       Line::none,      "the file changed while it was being sent"},
  {"internal_error",     Line::at_end,    "the server failed to handle this"},
  {"completed",          Line::none,      "everything asked for has been sent"},
  {"unknown_service",    Line::none,      "there is no such service here"},
  {"no_such_file",       Line::none,      "there is no such file"},
  {"too_many_channels",  Line::none,      "too many channels are open on this connection"},
  {"no_such_channel",    Line::none,      "this channel is not open"},
}};
// clang-format on

const Row& row_of(CloseReason reason) noexcept {
  static constexpr Row kUnknown{"unknown", Line::none, "unknown reason"};
  const auto number = static_cast<std::size_t>(reason);
  return number < kRows.size() ? kRows[number] : kUnknown;
}

}  // namespace

bool is_refusal(CloseReason reason) noexcept { return row_of(reason).line == Line::at_accept; }

bool is_written_to_plain_clients(CloseReason reason) noexcept {
  return row_of(reason).line != Line::none;
}

std::string_view name_of(CloseReason reason) noexcept { return row_of(reason).name; }
std::string_view name_of(RequestError error) noexcept { return name_of(close_reason_of(error)); }

std::string_view explanation_of(CloseReason reason) noexcept { return row_of(reason).explanation; }
std::string_view explanation_of(RequestError error) noexcept {
  return explanation_of(close_reason_of(error));
}

}  // namespace fairlead
