// What clients of the three protocols send, for the benchmarks.
#pragma once

#include <cstdint>
#include <string>

#include "common/protocol/frame.hpp"

namespace fairlead {

inline constexpr std::uint32_t kMessageBytes = 64;  // of text with its LF; else without the header
inline constexpr std::uint32_t kMessageBytesMax = 1024 * 1024;

inline std::string text_messages(std::int64_t count) {
  std::string all;
  for (std::int64_t i = 0; i < count; ++i) all += std::string(kMessageBytes - 1, 'a') + '\n';
  return all;
}

inline std::string len32_messages(std::int64_t count) {
  const auto length = big_endian_32(kMessageBytes);
  std::string all;
  for (std::int64_t i = 0; i < count; ++i) {
    all.append(length.data(), length.size());
    all.append(kMessageBytes, 'a');
  }
  return all;
}

inline std::string framed_messages(std::int64_t count, std::uint32_t first_request_id) {
  const std::string payload(kMessageBytes, 'a');
  std::string all;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto header =
        frame_header({.type = FrameType::message,
                      .request_id = first_request_id + static_cast<std::uint32_t>(i),
                      .payload = payload});
    all.append(header.data(), header.size());
    all += payload;
  }
  return all;
}

}  // namespace fairlead
