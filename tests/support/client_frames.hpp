// The framed protocol as a client of its own would write it from docs/protocol.md alone: shares no
// code with the daemon's codec, so that a test is a second opinion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::client {

inline const std::string kPreface(
    "\xff"
    "FLD\x01\x00\x00\x00",
    8);

enum Type : int {
  hello = 1,
  open = 2,
  opened = 3,
  close = 4,
  message = 5,
  reply = 6,
  error = 7,
  ping = 8,
  pong = 9,
  goaway = 10,
  stat = 0x20,
  status = 0x21,
  list = 0x22,
  listing = 0x23,
  get = 0x24,
  begin = 0x25,
  data = 0x26,
  end = 0x27,
  hash = 0x28,
  hashes = 0x29
};

inline std::string number(std::uint64_t value, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = bytes; i-- > 0 && value != 0; value >>= 8) out[i] = static_cast<char>(value);
  return out;
}

inline std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

struct Received {
  int type = 0;
  std::uint64_t channel = 0;
  std::uint64_t id = 0;
  std::string payload;

  // Of ERROR and CLOSE; of GOAWAY it stands behind the last id.
  std::uint64_t code() const { return number_in(std::string_view(payload).substr(0, 4)); }
  bool operator==(const Received&) const = default;
};

inline void PrintTo(const Received& frame, std::ostream* out) {
  *out << "{type " << frame.type << ", channel " << frame.channel << ", id " << frame.id << ", "
       << frame.payload.size() << " bytes: ";
  for (const char byte : std::string_view(frame.payload).substr(0, 60))
    *out << (byte >= ' ' && byte < 127 ? byte : '.');
  *out << "}";
}

inline std::string frame(int type, std::uint64_t channel, std::uint64_t id,
                         std::string_view payload = {}) {
  std::string out = number(payload.size(), 4);
  out += static_cast<char>(type);
  out += '\0';
  out += number(channel, 2) + number(id, 4);
  out += payload;
  return out;
}

inline std::string request(std::uint64_t id, std::string_view payload, std::uint64_t channel = 0) {
  return frame(message, channel, id, payload);
}

// What a server has said so far.
struct Stream {
  bool has_preface = false;
  std::vector<Received> frames;
  std::string rest;  // of an unfinished frame, or everything when it is no framed stream
};

inline Stream parse(std::string_view bytes) {
  Stream stream;
  if (bytes.substr(0, kPreface.size()) == kPreface) {
    stream.has_preface = true;
    bytes.remove_prefix(kPreface.size());
    while (bytes.size() >= 12) {
      const auto size = static_cast<std::size_t>(number_in(bytes.substr(0, 4)));
      if (bytes.size() < 12 + size) break;
      stream.frames.push_back({static_cast<unsigned char>(bytes[4]), number_in(bytes.substr(6, 2)),
                               number_in(bytes.substr(8, 4)), std::string(bytes.substr(12, size))});
      bytes.remove_prefix(12 + size);
    }
  }
  stream.rest = bytes;
  return stream;
}

inline std::string len32(std::string_view payload) {
  return number(payload.size(), 4) + std::string(payload);
}

}  // namespace fairlead::client
