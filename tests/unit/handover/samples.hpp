// States to be handed over, in which every field differs from its default.
#pragma once

#include <string>

#include "server/handover/fields.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

inline SessionState sample_text() {
  SessionState session;
  session.id = 0x0102030405060708;
  session.listener = "main";
  session.listener_protocol = 1;
  session.peer = PeerAddress::from_ipv4({192, 0, 2, 7}, 40'001);
  session.protocol = SessionState::Protocol::text;
  session.age = Duration(90'000'000'000);
  session.since_activity = Duration(1500);
  session.since_received = Duration(1600);
  session.message_age = Duration(17);
  session.bytes_in = std::uint64_t{1} << 40;
  session.bytes_out = 2;
  session.messages_in = 3;
  session.messages_out = 4;
  session.message_bytes_max = 1U << 20;
  session.input = std::string("half a \0 line", 13);
  session.output = "a reply\n";
  session.is_input_unread = true;
  session.blocked = {Duration(900), 70'000};
  session.encoding = Encoding::gb18030;
  session.channels = {{0, "echo", "echo", 12}};
  return session;
}

inline SessionState sample_framed() {
  SessionState session = sample_text();
  session.protocol = SessionState::Protocol::framed;
  session.peer =
      PeerAddress::from_ipv6({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, 7);
  session.encoding.reset();
  session.last_request_id = 77;
  session.skip_bytes = 500;
  session.has_preface = true;
  session.is_hello_allowed = true;
  session.channels = {{0, "echo", "echo", 1}, {900, "files", "file", 2}, {7, "echo", "echo", 3}};
  return session;
}

inline SessionState sample_undecided() {
  SessionState session;
  session.id = 5;
  session.listener = "main";
  session.protocol = SessionState::Protocol::undecided;
  session.message_bytes_max = 1000;
  session.input =
      "\xff"
      "FL";
  return session;
}

template <class State>
std::string fields_of(const State& state) {
  std::string out;
  append_fields(out, state);
  return out;
}

}  // namespace fairlead
