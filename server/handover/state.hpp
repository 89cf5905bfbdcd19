// What goes from an old daemon to the new one at an upgrade, as plain values
// (docs/decisions/0016): sessions, and what belongs to the daemon as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/time.hpp"
#include "common/net/endpoint.hpp"
#include "common/protocol/limits.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// Input and output of one session that may go along, together: the session rests meanwhile, and a
// batch of them must not take long.
inline constexpr std::size_t kCarriedBytesMax = std::size_t{1} << 20;

// The longest name of a section of the configuration, and of a service type.
inline constexpr std::size_t kSectionNameBytesMax = 64;

// The listing of a configuration: some hundred sections with texts of their longest.
inline constexpr std::size_t kConfigurationBytesMax = std::size_t{2} << 20;

// Why the new daemon does not take a session, which then stays with the old one. The numbers are
// part of the format: never reuse or renumber one.
enum class HandoverRefusal : std::uint8_t {
  none = 0,            // it is taken
  not_understood = 1,  // a critical field is unknown, missing or out of its range
  no_listener = 2,     // none of that name, or it speaks another protocol
  no_service = 3,      // none of that name and type
  smaller_limit = 4,   // max_message is below what the session was promised
  no_descriptor = 5,   // the process has no descriptor left
  damaged = 6,         // the stream cannot be read any further
};
inline constexpr std::uint8_t kHandoverRefusalCount = 7;

// "no_listener"; "unknown" for any other number.
std::string_view name_of(HandoverRefusal) noexcept;

// One dialogue with a service. A plain client has one, of number 0.
struct ChannelState {
  std::uint16_t id = 0;
  std::string service, type;   // as the configuration names them
  std::uint32_t messages = 0;  // so far; counted for close_after

  bool operator==(const ChannelState&) const = default;
};

// A client has taken nothing of the output for so long, and so much of what had been sent was
// unacknowledged then.
struct BlockedState {
  Duration since{};
  std::uint32_t unacknowledged_bytes = 0;

  bool operator==(const BlockedState&) const = default;
};

// One session, without its descriptor. Times are durations, because the processes have not been
// stopped for equally long.
struct SessionState {
  // The numbers are part of the format.
  enum class Protocol : std::uint8_t { undecided = 0, text = 1, len32 = 2, framed = 3 };

  std::uint64_t id = 0;  // never 0
  std::string listener;
  std::uint8_t listener_protocol = 0;  // ListenerProtocol
  PeerAddress peer;
  Protocol protocol = Protocol::undecided;

  Duration age{};             // since the connect
  Duration since_activity{};  // a byte either way
  Duration since_received{};  // a byte of the client
  Duration message_age{};     // of the unfinished message
  std::uint64_t bytes_in = 0, bytes_out = 0, messages_in = 0, messages_out = 0;

  std::uint32_t message_bytes_max = 0;  // the longest message that the client may send
  std::string input;                    // received and not parsed
  std::string output;                   // queued and not sent
  bool is_input_unread = false;         // it may hold requests, which had to wait

  std::optional<BlockedState> blocked;  // nothing: the client takes what is sent
  std::optional<Encoding> encoding;     // that a plain client has decided for

  // Framed clients.
  std::uint32_t last_request_id = 0;
  std::uint32_t skip_bytes = 0;  // the rest of a frame that is skipped
  bool has_preface = false;      // the client's has come
  bool is_hello_allowed = false;

  std::vector<ChannelState> channels;  // open, in the order in which they were opened

  bool operator==(const SessionState&) const = default;
};

// What belongs to no session.
struct GlobalState {
  std::uint64_t last_id = 0;  // of the connections accepted so far, in all processes
  std::string configuration;  // of the old daemon, as -T lists it

  bool operator==(const GlobalState&) const = default;
};

// ---- As bytes: fields (fields.hpp), each at most once but the channels.
//
// clang-format off
//   session  tag     value                      channel  tag     value
//            8001    u64 id                              8001    u16 number
//            8002    listener                            8002    service
//            8003    u8 protocol of the listener         8003    type
//            8004    peer: u8 family, u16 port, ip       0004    u32 messages
//            8005    u8 protocol
//            0006    u64 ms age                  global   8001    u64 last id
//            0007    u64 ms since activity                0002    configuration
//            0008    u64 ms since received
//            0009    u64 ms message age
//            000a    4 x u64 traffic: bytes in, bytes out, messages in, messages out
//            800b    u32 longest message
//            800c    input
//            800d    output
//            800e    u8 1: input may hold requests
//            800f    u8 encoding: 1 utf-8, 2 gbk, 3 gb18030, 4 latin1, 5 binary
//            8010    framed: u32 last request id, u32 skipped bytes missing, u8 1: preface seen,
//                    u8 1: HELLO allowed
//            8011    channel, once for each
//            0012    blocked: u64 ms, u32 unacknowledged bytes
// clang-format on
//
// A field that is absent is zero, empty or false. Those of a session without which it could not be
// served are asked for: 8001, 8002, 8004, 8005 and 800b; of a channel 8001 to 8003.

// Appends the fields of a state. FAIRLEAD_CHECK: the bounds above hold.
void append_fields(std::string& out, const SessionState& session);
void append_fields(std::string& out, const GlobalState& global);

// Nothing: the fields cannot be understood, and nothing is taken over by them.
std::optional<SessionState> read_session(Bytes fields);
std::optional<GlobalState> read_global(Bytes fields);

}  // namespace fairlead
