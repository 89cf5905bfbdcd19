#include "common/protocol/file_name.hpp"

#include <algorithm>

#include "common/protocol/limits.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

namespace {

bool is_component(std::string_view component, NameForm form) noexcept {
  constexpr std::string_view kNever("/\0", 2);
  return !component.empty() && component.size() <= kFileComponentBytesMax && component != "." &&
         component != ".." && component.find_first_of(kNever) == component.npos &&
         (form == NameForm::bytes || is_utf8(component));
}

}  // namespace

bool is_file_component(std::string_view component) noexcept {
  return is_component(component, NameForm::utf8);
}

bool is_file_name(std::string_view name, NameForm form) noexcept {
  if (name.size() > kFileNameBytesMax) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (!is_component(name.substr(begin, end - begin), form)) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace fairlead
