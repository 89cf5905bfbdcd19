#include "common/protocol/detect.hpp"

#include <algorithm>

#include "common/protocol/frame.hpp"

namespace fairlead {
namespace {

constexpr Bytes kTlsHandshake{"\x16\x03", 2};
constexpr Bytes kFramedMark = kPreface.substr(0, 4);

bool agree(Bytes first, Bytes mark) {
  const std::size_t common = std::min(first.size(), mark.size());
  return first.substr(0, common) == mark.substr(0, common);
}

}  // namespace

Detected detect(Bytes first) noexcept {
  if (first.empty()) return Detected::undecided;
  if (first.front() == '\0') return Detected::len32;
  if (agree(first, kTlsHandshake)) {
    return first.size() >= kTlsHandshake.size() ? Detected::tls : Detected::undecided;
  }
  if (agree(first, kFramedMark)) {
    return first.size() >= kFramedMark.size() ? Detected::framed : Detected::undecided;
  }
  return Detected::text;
}

}  // namespace fairlead
