// One unit of conversation, whatever protocol carried it. Text and len32 clients only ever send and
// get messages on channel 0; the framed protocol uses all of it.
//
//   framed wire format, big-endian          offset  size
//   payload length                               0     4   at most max_message
//   type                                         4     1
//   flags                                        5     1   reserved: 0 in version 1
//   channel                                      6     2   0 is the connection itself and its
//   default service request id                                   8     4   increases per
//   connection, never 0 where one is needed payload                                     12   ...
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

enum class FrameType : std::uint8_t {
  hello = 0x01,    // who speaks: version, limits, name, services
  open = 0x02,     // client: open the service named in the payload on this channel
  opened = 0x03,   // server: it is open
  close = 0x04,    // either: this channel is over (payload as in ERROR)
  message = 0x05,  // client: a request; server: something said without being asked, request id 0
  reply = 0x06,    // server: the one answer to the request with this id
  error = 0x07,  // server: u32 close reason, then a sentence; request id 0: about the whole channel
                 // or connection
  ping = 0x08,   // either: answer at once with the same payload
  pong = 0x09,
  goaway = 0x0a,  // server: u32 id of the last request executed, u32 close reason, then a sentence

  // Files; payloads in file_frames.hpp.
  stat = 0x20,     // client
  status = 0x21,   // server: the answer to STAT
  list = 0x22,     // client
  listing = 0x23,  // server: the answer to LIST
  get = 0x24,      // client
  begin = 0x25,    // server: what GET will bring
  data = 0x26,     // server: a piece of it
  end = 0x27,      // server: all of it has been sent
  hash = 0x28,     // client
  hashes = 0x29,   // server: the answer to HASH
};

// What a client may ask a service of type `file`.
constexpr bool is_file_request(FrameType type) noexcept {
  return type == FrameType::stat || type == FrameType::list || type == FrameType::get ||
         type == FrameType::hash;
}

inline constexpr std::size_t kFrameHeaderBytes = 12;
inline constexpr std::string_view kPreface{
    "\xff"
    "FLD\x01\x00\x00\x00",
    8};

// How a text message ended, so that its reply can end the same way.
enum class LineEnd : std::uint8_t { none, lf, crlf };

struct Frame {
  FrameType type = FrameType::message;
  LineEnd line_end = LineEnd::none;  // text only
  std::uint16_t channel = 0;
  std::uint32_t request_id = 0;
  Bytes payload;
};

std::array<char, kFrameHeaderBytes> frame_header(const Frame& frame) noexcept;

// Big-endian integers, as every number on the wire is.
std::array<char, 8> big_endian_64(std::uint64_t value) noexcept;
std::array<char, 4> big_endian_32(std::uint32_t value) noexcept;
std::array<char, 2> big_endian_16(std::uint16_t value) noexcept;
std::uint64_t read_big_endian_64(const char* at) noexcept;
std::uint32_t read_big_endian_32(const char* at) noexcept;
std::uint16_t read_big_endian_16(const char* at) noexcept;

}  // namespace fairlead
