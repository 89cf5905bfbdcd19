#include "server/handover/fields.hpp"

namespace fairlead {

void append_field(std::string& out, std::uint16_t tag, Bytes value) {
  append_number(out, tag);
  append_number(out, static_cast<std::uint32_t>(value.size()));
  out += value;
}

std::optional<FieldReader::Field> FieldReader::next() {
  Bytes rest = left_;
  std::uint16_t tag = 0;
  std::uint32_t size = 0;
  if (!take_number(rest, tag) || !take_number(rest, size) || rest.size() < size)
    return std::nullopt;
  left_ = rest.substr(size);
  return Field{tag, rest.substr(0, size)};
}

}  // namespace fairlead
