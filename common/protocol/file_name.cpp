#include "common/protocol/file_name.hpp"

#include <algorithm>

#include "common/protocol/limits.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

bool is_file_component(std::string_view component) noexcept {
  constexpr std::string_view kNever("/\0", 2);
  return !component.empty() && component.size() <= kFileComponentBytesMax && component != "." &&
         component != ".." && component.find_first_of(kNever) == component.npos &&
         is_utf8(component);
}

bool is_file_name(std::string_view name) noexcept {
  if (name.size() > kFileNameBytesMax) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (!is_file_component(name.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace fairlead
