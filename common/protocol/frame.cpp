#include "common/protocol/frame.hpp"

#include <iterator>

#include "common/base/check.hpp"

namespace fairlead {
namespace {

// The place of each type byte in kFrameKinds, which every frame asks for; beyond its end: unknown.
constexpr auto kPlaces = [] {
  std::array<std::uint8_t, 256> places{};
  places.fill(std::size(kFrameKinds));
  for (std::size_t place = 0; place < std::size(kFrameKinds); ++place)
    places[static_cast<std::uint8_t>(kFrameKinds[place].type)] = static_cast<std::uint8_t>(place);
  return places;
}();

}  // namespace

const FrameKind* find_frame_kind(std::uint8_t type) noexcept {
  return kPlaces[type] == std::size(kFrameKinds) ? nullptr : &kFrameKinds[kPlaces[type]];
}

const FrameKind& frame_kind(FrameType type) noexcept {
  const FrameKind* kind = find_frame_kind(static_cast<std::uint8_t>(type));
  FAIRLEAD_CHECK(kind != nullptr);
  return *kind;
}

std::array<char, 4> big_endian_32(std::uint32_t value) noexcept {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::array<char, 2> big_endian_16(std::uint16_t value) noexcept {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::uint32_t read_big_endian_32(const char* at) noexcept {
  return static_cast<std::uint32_t>(octet(at[0])) << 24 |
         static_cast<std::uint32_t>(octet(at[1])) << 16 |
         static_cast<std::uint32_t>(octet(at[2])) << 8 | static_cast<std::uint32_t>(octet(at[3]));
}

std::uint16_t read_big_endian_16(const char* at) noexcept {
  return static_cast<std::uint16_t>(octet(at[0]) << 8 | octet(at[1]));
}

std::array<char, kFrameHeaderBytes> frame_header(const Frame& frame) noexcept {
  const auto length = big_endian_32(static_cast<std::uint32_t>(frame.payload.size()));
  const auto channel = big_endian_16(frame.channel);
  const auto id = big_endian_32(frame.request_id);
  return {length[0], length[1],  length[2],  length[3], static_cast<char>(frame.type),
          0,         channel[0], channel[1], id[0],     id[1],
          id[2],     id[3]};
}

}  // namespace fairlead
