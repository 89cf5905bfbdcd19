#include "common/protocol/close_reason.hpp"

#include <array>

namespace fairlead {
namespace {

struct Row {
  std::string_view name;
  std::string_view explanation;
};

constexpr std::array<Row, kCloseReasonCount> kRows{{
    {"none", "the connection is open"},
    {"peer_closed", "the client ended the connection"},
    {"eof_before_data", "the client ended the connection before it said anything"},
    {"reset", "the client reset the connection"},
    {"peer_vanished", "the client can no longer be reached"},
    {"close_after", "this service ends the connection after so many messages"},
    {"idle_timeout", "nothing was sent or received for too long"},
    {"first_byte_timeout", "nothing was received for too long after connecting"},
    {"message_timeout", "a message was begun but not finished in time"},
    {"write_timeout", "replies were not taken in time"},
    {"slow_consumer", "this client fell too far behind"},
    {"message_too_big", "the message is above the size limit"},
    {"protocol_error", "the bytes received break the protocol"},
    {"rate_limited", "too many connections in a short time; try again later"},
    {"server_full", "the server is full; try again later"},
    {"ip_limit", "too many connections from this address"},
    {"denied", "this address may not connect"},
    {"draining", "the server is shutting down"},
    {"restart", "the server is restarting; connect again"},
    {"kicked", "an operator ended the connection"},
    {"file_changed", "the file changed while it was being sent"},
    {"internal_error", "the server failed to handle this"},
    {"completed", "everything asked for has been sent"},
    {"unknown_service", "there is no such service here"},
    {"no_such_file", "there is no such file"},
    {"too_many_channels", "too many channels are open on this connection"},
    {"no_such_channel", "this channel is not open"},
}};

constexpr bool is_known(CloseReason reason) {
  return static_cast<std::size_t>(reason) < kRows.size();
}

}  // namespace

std::string_view name_of(CloseReason reason) noexcept {
  return is_known(reason) ? kRows[static_cast<std::size_t>(reason)].name : "unknown";
}

std::string_view explanation_of(CloseReason reason) noexcept {
  return is_known(reason) ? kRows[static_cast<std::size_t>(reason)].explanation : "unknown reason";
}

}  // namespace fairlead
