#include "common/protocol/close_reason.hpp"

#include <array>

namespace fairlead {
namespace {

// What a plain client gets.
enum class Told : std::uint8_t {
  end,      // the end of the stream, or a reset
  line,     // a line with the name and the sentence, then the end
  refusal,  // the same, instead of being served
};

struct Row {
  std::string_view name;
  Told told;
  std::string_view explanation;
};

// clang-format off
constexpr std::array<Row, kCloseReasonCount> kRows{{
  {"none",               Told::end,     "the connection is open"},
  {"peer_closed",        Told::end,     "the client ended the connection"},
  {"eof_before_data",    Told::end,     "the client ended the connection before it said anything"},
  {"reset",              Told::end,     "the client reset the connection"},
  {"peer_vanished",      Told::end,     "the client can no longer be reached"},
  {"close_after",        Told::end,     "this service ends the connection after so many messages"},
  {"idle_timeout",       Told::end,     "nothing was sent or received for too long"},
  {"first_byte_timeout", Told::end,     "nothing was received for too long after connecting"},
  {"message_timeout",    Told::end,     "a message was begun but not finished in time"},
  {"write_timeout",      Told::end,     "replies were not taken in time"},
  {"slow_consumer",      Told::end,     "this client fell too far behind"},
  {"message_too_big",    Told::line,    "the message is above the size limit"},
  {"protocol_error",     Told::end,     "the bytes received break the protocol"},
  {"rate_limited",       Told::refusal, "too many connections in a short time; try again later"},
  {"server_full",        Told::refusal, "the server is full; try again later"},
  {"ip_limit",           Told::refusal, "too many connections from this address"},
  {"denied",             Told::refusal, "this address may not connect"},
  {"draining",           Told::end,     "the server is shutting down"},
  {"restart",            Told::end,     "the server is restarting; connect again"},
  {"kicked",             Told::line,    "an operator ended the connection"},
  {"file_changed",       Told::end,     "the file changed while it was being sent"},
  {"internal_error",     Told::line,    "the server failed to handle this"},
  {"completed",          Told::end,     "everything asked for has been sent"},
  {"unknown_service",    Told::end,     "there is no such service here"},
  {"no_such_file",       Told::end,     "there is no such file"},
  {"too_many_channels",  Told::end,     "too many channels are open on this connection"},
  {"no_such_channel",    Told::end,     "this channel is not open"},
}};
// clang-format on

const Row& row_of(CloseReason reason) noexcept {
  static constexpr Row kUnknown{"unknown", Told::end, "unknown reason"};
  const auto number = static_cast<std::size_t>(reason);
  return number < kRows.size() ? kRows[number] : kUnknown;
}

}  // namespace

bool is_refusal(CloseReason reason) noexcept { return row_of(reason).told == Told::refusal; }

bool is_written_to_plain_clients(CloseReason reason) noexcept {
  return row_of(reason).told != Told::end;
}

std::string_view name_of(CloseReason reason) noexcept { return row_of(reason).name; }
std::string_view name_of(RequestError error) noexcept { return name_of(close_reason_of(error)); }

std::string_view explanation_of(CloseReason reason) noexcept { return row_of(reason).explanation; }
std::string_view explanation_of(RequestError error) noexcept {
  return explanation_of(close_reason_of(error));
}

}  // namespace fairlead
