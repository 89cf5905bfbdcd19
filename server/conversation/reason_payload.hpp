// Why something ended, as ERROR, CLOSE and GOAWAY carry it.
#pragma once

#include <string>
#include <string_view>

#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"

namespace fairlead {

// u32 number, then a sentence: the reason's own where none is given.
template <class Reason>
std::string reason_payload(Reason reason, std::string_view sentence = {}) {
  const auto number = big_endian_32(static_cast<std::uint32_t>(reason));
  std::string payload(number.data(), number.size());
  payload += sentence.empty() ? explanation_of(reason) : sentence;
  return payload;
}

}  // namespace fairlead
