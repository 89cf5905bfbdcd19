#include "client/fetch/file_names.hpp"

#include <algorithm>

#include "common/base/hex.hpp"
#include "common/hash/sha256.hpp"
#include "common/protocol/file_name.hpp"
#include "common/protocol/limits.hpp"

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

namespace {

std::string with_ending(std::string_view name, std::string_view ending) {
  std::string whole(name);
  if (name.size() + ending.size() > kFileComponentBytesMax) {
    constexpr std::size_t kHashBytes = 8;
    Sha256 hash;
    hash.update(name);
    const Sha256::Digest digest = hash.finish();
    const std::string mark = "~" + hex_of(Bytes(digest.data(), kHashBytes));
    std::size_t size = kFileComponentBytesMax - ending.size() - mark.size();
    // Does not cut a UTF-8 character.
    while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    whole = std::string(name.substr(0, size)) + mark;
  }
  return whole += ending;
}

}  // namespace

std::vector<std::string> components_of(std::string_view remote) {
  std::vector<std::string> components;
  if (!is_file_name(remote)) return components;
  for (std::size_t begin = 0; begin <= remote.size();) {
    const std::size_t end = std::min(remote.find('/', begin), remote.size());
    components.emplace_back(remote.substr(begin, end - begin));
    begin = end + 1;
  }
  return components;
}

std::string part_name(std::string_view target) { return with_ending(target, ".part"); }
std::string info_name(std::string_view target) { return with_ending(target, ".part.info"); }

std::string numbered_name(std::string_view target, unsigned number) {
  return with_ending(target, "." + std::to_string(number));
}

}  // namespace fairlead
