// A frame: one message or control message, whatever protocol carried it. Text and len32 clients
// only send and receive MESSAGE and REPLY on channel 0; the framed protocol uses all of it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

// clang-format off
enum class FrameType : std::uint8_t {
  hello = 0x01, open, opened, close, message, reply, error, ping, pong, goaway,
  stat = 0x20, status, list, listing, get, begin, data, end, hash, hashes,  // see file_frames.hpp
};

enum class Sender : std::uint8_t { client, server, both };

struct FrameKind {
  FrameType type;
  std::string_view name;
  Sender sender;
  bool is_file_request;  // a request that only a service of type `file` answers
  bool is_message;       // from the server: a whole answer of a service, or a message without a request
};

// The frame types, as in docs/protocol.md, which has their payloads too.
inline constexpr FrameKind kFrameKinds[] = {
  // type                name       sent by         file request  message
  {FrameType::hello,     "HELLO",   Sender::both,   false,        false},
  {FrameType::open,      "OPEN",    Sender::client, false,        false},
  {FrameType::opened,    "OPENED",  Sender::server, false,        false},
  {FrameType::close,     "CLOSE",   Sender::both,   false,        false},
  {FrameType::message,   "MESSAGE", Sender::both,   false,        true},
  {FrameType::reply,     "REPLY",   Sender::server, false,        true},
  {FrameType::error,     "ERROR",   Sender::server, false,        false},
  {FrameType::ping,      "PING",    Sender::both,   false,        false},
  {FrameType::pong,      "PONG",    Sender::both,   false,        false},
  {FrameType::goaway,    "GOAWAY",  Sender::server, false,        false},
  {FrameType::stat,      "STAT",    Sender::client, true,         false},
  {FrameType::status,    "STATUS",  Sender::server, false,        true},
  {FrameType::list,      "LIST",    Sender::client, true,         false},
  {FrameType::listing,   "LISTING", Sender::server, false,        true},
  {FrameType::get,       "GET",     Sender::client, true,         false},
  {FrameType::begin,     "BEGIN",   Sender::server, false,        false},
  {FrameType::data,      "DATA",    Sender::server, false,        false},
  {FrameType::end,       "END",     Sender::server, false,        true},
  {FrameType::hash,      "HASH",    Sender::client, true,         false},
  {FrameType::hashes,    "HASHES",  Sender::server, false,        true},
};
// clang-format on

// The row of a type byte, or null for an unknown one.
const FrameKind* find_frame_kind(std::uint8_t type) noexcept;

// The row of a type that a codec has accepted.
const FrameKind& frame_kind(FrameType type) noexcept;

inline bool is_file_request(FrameType type) noexcept { return frame_kind(type).is_file_request; }

// clang-format off
// The header of a frame on the wire; numbers are big-endian.
//
//   offset  size  field
//   0       4     payload length   at most max_message
//   4       1     type
//   5       1     flags            0; every bit is reserved
//   6       2     channel          0 is the connection itself and the listener's own service
//   8       4     request id       greater than the last one, or 0 where none is needed
//   12      ...   payload
// clang-format on
inline constexpr std::size_t kFrameHeaderBytes = 12;
inline constexpr std::string_view kPreface{
    "\xff"
    "FLD\x01\x00\x00\x00",
    8};

// The end of a text message, which its reply gets too.
enum class LineEnd : std::uint8_t { none, lf, crlf };

struct Frame {
  FrameType type = FrameType::message;
  LineEnd line_end = LineEnd::none;  // text only
  std::uint16_t channel = 0;
  std::uint32_t request_id = 0;
  Bytes payload;
};

std::array<char, kFrameHeaderBytes> frame_header(const Frame& frame) noexcept;

// Numbers on the wire are big-endian.
std::array<char, 4> big_endian_32(std::uint32_t value) noexcept;
std::array<char, 2> big_endian_16(std::uint16_t value) noexcept;
std::uint32_t read_big_endian_32(const char* at) noexcept;
std::uint16_t read_big_endian_16(const char* at) noexcept;

}  // namespace fairlead
