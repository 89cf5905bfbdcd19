#include "client/fetch/file_names.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

#include "common/base/hex.hpp"
#include "common/hash/sha256.hpp"
#include "common/protocol/file_name.hpp"

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

std::string stored_name(std::string_view remote) {
  const std::string_view last = remote.substr(remote.rfind('/') + 1);
  const bool is_name = last != "." && last != ".." && last.find('\0') == last.npos;
  return std::string(is_name ? last : "");
}

namespace {

std::string with_ending(std::string_view name, std::string_view ending, std::size_t bytes_max) {
  std::string whole(name);
  if (name.size() + ending.size() > bytes_max) {
    constexpr std::size_t kHashBytes = 8;
    Sha256 hash;
    hash.update(name);
    const Sha256::Digest digest = hash.finish();
    const std::string mark = "~" + hex_of(Bytes(digest.data(), kHashBytes));
    const std::size_t kept = bytes_max - std::min(bytes_max, ending.size() + mark.size());
    std::size_t size = std::min(kept, name.size());
    // Does not cut a UTF-8 character.
    const auto is_within = [name](std::size_t at) {
      return at < name.size() && (static_cast<unsigned char>(name[at]) & 0xc0) == 0x80;
    };
    while (size > 0 && is_within(size)) --size;
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

std::string part_name(std::string_view target, std::size_t bytes_max) {
  return with_ending(target, ".part", bytes_max);
}

std::string info_name(std::string_view target, std::size_t bytes_max) {
  return with_ending(target, ".part.info", bytes_max);
}

std::string numbered_name(std::string_view target, unsigned number, std::size_t bytes_max) {
  return with_ending(target, "." + std::to_string(number), bytes_max);
}

std::string own_part_name(std::string_view target, std::size_t bytes_max) {
  std::random_device random;
  const std::uint32_t number = random();
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  return machine_part_name(target, hex_of(Bytes(bytes, sizeof bytes)), bytes_max);
}

std::string machine_part_name(std::string_view target, std::string_view key,
                              std::size_t bytes_max) {
  return with_ending(target, "." + std::string(key) + ".part", bytes_max);
}

}  // namespace fairlead
