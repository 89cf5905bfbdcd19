#include "server/handover/state.hpp"

#include <algorithm>
#include <array>

#include "common/base/check.hpp"
#include "server/handover/fields.hpp"

namespace fairlead {
namespace {

// ---- Values. A reader takes all of the value, or says no.

template <std::unsigned_integral Number>
std::string bytes_of(Number value) {
  std::string out;
  append_number(out, value);
  return out;
}

template <std::unsigned_integral Number>
bool read(Bytes value, Number& number) {
  return take_number(value, number) && value.empty();
}

bool read(Bytes value, bool& flag) {
  std::uint8_t number = 0;
  if (!read(value, number) || number > 1) return false;
  flag = number == 1;
  return true;
}

bool read(Bytes value, Duration& duration) {
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 48;  // milliseconds: thousands of years
  std::uint64_t number = 0;
  if (!read(value, number) || number > kLongest) return false;
  duration = Duration(static_cast<Duration::rep>(number));
  return true;
}

bool read_name(Bytes value, std::string& name) {
  name = value;
  return !name.empty() && name.size() <= kSectionNameBytesMax;
}

std::string bytes_of(Duration duration) {
  return bytes_of(static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0)));
}

std::size_t ip_bytes(PeerAddress::Family family) {
  switch (family) {
    case PeerAddress::Family::unix_socket:
      return 0;
    case PeerAddress::Family::ipv4:
      return 4;
    case PeerAddress::Family::ipv6:
      return 16;
  }
  return 0;
}

std::string bytes_of(const PeerAddress& peer) {
  std::string out = bytes_of(static_cast<std::uint8_t>(peer.family));
  append_number(out, peer.port);
  out.append(reinterpret_cast<const char*>(peer.ip.data()), ip_bytes(peer.family));
  return out;
}

bool read(Bytes value, PeerAddress& peer) {
  std::uint8_t family = 0;
  if (!take_number(value, family) || !take_number(value, peer.port)) return false;
  if (family > static_cast<std::uint8_t>(PeerAddress::Family::ipv6)) return false;
  peer.family = static_cast<PeerAddress::Family>(family);
  if (value.size() != ip_bytes(peer.family)) return false;
  std::ranges::transform(value, peer.ip.begin(), octet);
  return true;
}

// 0 would be "not decided", for which the field is absent.
std::uint8_t number_of(Encoding encoding) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(encoding) + 1);
}

bool read(Bytes value, std::optional<Encoding>& encoding) {
  std::uint8_t number = 0;
  if (!read(value, number) || number < 1 || number > number_of(Encoding::binary)) return false;
  encoding = static_cast<Encoding>(number - 1);
  return true;
}

bool read(Bytes value, SessionState::Protocol& protocol) {
  std::uint8_t number = 0;
  if (!read(value, number) || number > static_cast<std::uint8_t>(SessionState::Protocol::framed))
    return false;
  protocol = static_cast<SessionState::Protocol>(number);
  return true;
}

// ---- Records

std::string channel_fields(const ChannelState& channel) {
  std::string out;
  append_field(out, 0x8001, bytes_of(channel.id));
  append_field(out, 0x8002, channel.service);
  append_field(out, 0x8003, channel.type);
  append_field(out, 0x0004, bytes_of(channel.messages));
  return out;
}

bool read_channel(Bytes fields, ChannelState& channel) {
  return read_fields(fields, {0x8001, 0x8002, 0x8003}, 0, [&](std::uint16_t tag, Bytes value) {
    switch (tag) {
      case 0x8001:
        return taken(read(value, channel.id));
      case 0x8002:
        return taken(read_name(value, channel.service));
      case 0x8003:
        return taken(read_name(value, channel.type));
      case 0x0004:
        return taken(read(value, channel.messages));
      default:
        return Taken::unknown;
    }
  });
}

std::string traffic_fields(const SessionState& session) {
  std::string out;
  for (const std::uint64_t number :
       {session.bytes_in, session.bytes_out, session.messages_in, session.messages_out})
    append_number(out, number);
  return out;
}

bool read_traffic(Bytes value, SessionState& session) {
  for (std::uint64_t* const number :
       {&session.bytes_in, &session.bytes_out, &session.messages_in, &session.messages_out})
    if (!take_number(value, *number)) return false;
  return value.empty();
}

std::string blocked_fields(const BlockedState& blocked) {
  std::string out = bytes_of(blocked.since);
  append_number(out, blocked.unacknowledged_bytes);
  return out;
}

bool read_blocked(Bytes value, BlockedState& blocked) {
  constexpr std::size_t kDurationBytes = 8;
  return value.size() > kDurationBytes && read(value.substr(0, kDurationBytes), blocked.since) &&
         read(value.substr(kDurationBytes), blocked.unacknowledged_bytes);
}

std::string framed_fields(const SessionState& session) {
  std::string out;
  append_number(out, session.last_request_id);
  append_number(out, session.skip_bytes);
  append_number(out, static_cast<std::uint8_t>(session.has_preface));
  append_number(out, static_cast<std::uint8_t>(session.is_hello_allowed));
  return out;
}

bool read_framed(Bytes value, SessionState& session) {
  return take_number(value, session.last_request_id) && take_number(value, session.skip_bytes) &&
         session.skip_bytes <= kMessageBytesCeiling && value.size() == 2 &&
         read(value.substr(0, 1), session.has_preface) &&
         read(value.substr(1), session.is_hello_allowed);
}

bool are_channels_right(const SessionState& session) {
  const auto& channels = session.channels;
  const bool is_plain = session.protocol == SessionState::Protocol::text ||
                        session.protocol == SessionState::Protocol::len32;
  if (is_plain) return channels.size() == 1 && channels.front().id == 0;
  if (session.protocol == SessionState::Protocol::undecided) return channels.empty();
  for (std::size_t i = 1; i < channels.size(); ++i)
    for (std::size_t before = 0; before < i; ++before)
      if (channels[before].id == channels[i].id) return false;
  return channels.size() <= kChannelsMax + 1;
}

}  // namespace

std::string_view name_of(HandoverRefusal refusal) noexcept {
  constexpr std::array<std::string_view, kHandoverRefusalCount> kNames{
      "none",          "not_understood", "no_listener", "no_service",
      "smaller_limit", "no_descriptor",  "damaged"};
  const auto number = static_cast<std::size_t>(refusal);
  return number < kNames.size() ? kNames[number] : "unknown";
}

void append_fields(std::string& out, const SessionState& session) {
  FAIRLEAD_CHECK(session.input.size() + session.output.size() <= kCarriedBytesMax);
  FAIRLEAD_CHECK(are_channels_right(session));
  append_field(out, 0x8001, bytes_of(session.id));
  append_field(out, 0x8002, session.listener);
  append_field(out, 0x8003, bytes_of(session.listener_protocol));
  append_field(out, 0x8004, bytes_of(session.peer));
  append_field(out, 0x8005, bytes_of(static_cast<std::uint8_t>(session.protocol)));
  append_field(out, 0x0006, bytes_of(session.age));
  append_field(out, 0x0007, bytes_of(session.since_activity));
  append_field(out, 0x0008, bytes_of(session.since_received));
  append_field(out, 0x0009, bytes_of(session.message_age));
  append_field(out, 0x000a, traffic_fields(session));
  append_field(out, 0x800b, bytes_of(session.message_bytes_max));
  if (!session.input.empty()) append_field(out, 0x800c, session.input);
  if (!session.output.empty()) append_field(out, 0x800d, session.output);
  if (session.is_input_unread) append_field(out, 0x800e, bytes_of(std::uint8_t{1}));
  if (session.encoding) append_field(out, 0x800f, bytes_of(number_of(*session.encoding)));
  if (session.protocol == SessionState::Protocol::framed)
    append_field(out, 0x8010, framed_fields(session));
  for (const ChannelState& channel : session.channels)
    append_field(out, 0x8011, channel_fields(channel));
  if (session.blocked) append_field(out, 0x0012, blocked_fields(*session.blocked));
}

std::optional<SessionState> read_session(Bytes fields) {
  SessionState session;
  const auto take = [&session](std::uint16_t tag, Bytes value) {
    switch (tag) {
      case 0x8001:
        return taken(read(value, session.id) && session.id != 0);
      case 0x8002:
        return taken(read_name(value, session.listener));
      case 0x8003:
        return taken(read(value, session.listener_protocol));
      case 0x8004:
        return taken(read(value, session.peer));
      case 0x8005:
        return taken(read(value, session.protocol));
      case 0x0006:
        return taken(read(value, session.age));
      case 0x0007:
        return taken(read(value, session.since_activity));
      case 0x0008:
        return taken(read(value, session.since_received));
      case 0x0009:
        return taken(read(value, session.message_age));
      case 0x000a:
        return taken(read_traffic(value, session));
      case 0x800b:
        return taken(read(value, session.message_bytes_max));
      case 0x800c:
        session.input = value.substr(0, kCarriedBytesMax + 1);
        return taken(value.size() <= kCarriedBytesMax);
      case 0x800d:
        session.output = value.substr(0, kCarriedBytesMax + 1);
        return taken(value.size() <= kCarriedBytesMax);
      case 0x800e:
        return taken(read(value, session.is_input_unread));
      case 0x800f:
        return taken(read(value, session.encoding));
      case 0x8010:
        return taken(read_framed(value, session));
      case 0x8011: {
        const bool has_room = session.channels.size() <= kChannelsMax;
        return taken(has_room && read_channel(value, session.channels.emplace_back()));
      }
      case 0x0012:
        return taken(read_blocked(value, session.blocked.emplace()));
      default:
        return Taken::unknown;
    }
  };
  if (!read_fields(fields, {0x8001, 0x8002, 0x8004, 0x8005, 0x800b}, 0x8011, take))
    return std::nullopt;
  const bool is_within_bounds = session.input.size() + session.output.size() <= kCarriedBytesMax &&
                                session.message_bytes_max <= kMessageBytesCeiling;
  // What is kept of an undecided client (detector.hpp).
  constexpr std::size_t kPrefixBytesMax = 3;
  const bool is_undecided = session.protocol == SessionState::Protocol::undecided;
  if (is_undecided && session.input.size() > kPrefixBytesMax) return std::nullopt;
  if (!is_within_bounds || !are_channels_right(session)) return std::nullopt;
  return session;
}

void append_fields(std::string& out, const GlobalState& global) {
  FAIRLEAD_CHECK(global.configuration.size() <= kConfigurationBytesMax);
  append_field(out, 0x8001, bytes_of(global.last_id));
  append_field(out, 0x0002, global.configuration);
}

std::optional<GlobalState> read_global(Bytes fields) {
  GlobalState global;
  const auto take = [&global](std::uint16_t tag, Bytes value) {
    switch (tag) {
      case 0x8001:
        return taken(read(value, global.last_id));
      case 0x0002:
        global.configuration = value.substr(0, kConfigurationBytesMax + 1);
        return taken(value.size() <= kConfigurationBytesMax);
      default:
        return Taken::unknown;
    }
  };
  if (!read_fields(fields, {0x8001}, 0, take)) return std::nullopt;
  return global;
}

}  // namespace fairlead
