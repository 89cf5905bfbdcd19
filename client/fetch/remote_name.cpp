#include "client/fetch/remote_name.hpp"

namespace fairlead {

std::string remote_name(std::string_view typed) {
  while (typed.ends_with('/')) typed.remove_suffix(1);
  return typed == "." ? std::string() : std::string(typed);
}

std::string joined_name(std::string_view directory, std::string_view below) {
  std::string name(directory);
  if (!name.empty() && !below.empty()) name += '/';
  return name.append(below);
}

}  // namespace fairlead
