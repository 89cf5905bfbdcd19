#include "client/fetch/part_info.hpp"

#include <charconv>

#include "client/fetch/chunk_ledger.hpp"
#include "common/base/hex.hpp"
#include "common/hash/sha256.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kFirstLine = "fairlead part 1\n";
constexpr std::string_view kSum = "sha256 ";

std::string sum_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  const Sha256::Digest digest = hash.finish();
  return hex_of(Bytes(digest.data(), digest.size()));
}

bool skip(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_identity(std::string_view& text, FileIdentity& identity) {
  return skip(text, "identity ") && take(text, identity.device) && skip(text, " ") &&
         take(text, identity.inode) && skip(text, " ") && take(text, identity.size) &&
         skip(text, " ") && take(text, identity.mtime_ns) && skip(text, " ") &&
         take(text, identity.ctime_ns) && skip(text, "\n");
}

}  // namespace

std::string part_info_text(const PartInfo& info) {
  std::string text(kFirstLine);
  text += "identity " + std::to_string(info.identity.device) + " " +
          std::to_string(info.identity.inode) + " " + std::to_string(info.identity.size) + " " +
          std::to_string(info.identity.mtime_ns) + " " + std::to_string(info.identity.ctime_ns) +
          "\nverified ";
  std::string_view comma;
  for (auto chunk = info.verified.begin(); chunk != info.verified.end(); comma = ",") {
    const std::uint64_t first = *chunk;
    std::uint64_t last = first;
    while (++chunk != info.verified.end() && *chunk == last + 1) ++last;
    text += std::string(comma) + std::to_string(first);
    if (last > first) text += "-" + std::to_string(last);
  }
  text += '\n';
  return text += std::string(kSum) + sum_of(text) + "\n";
}

std::optional<PartInfo> read_part_info(std::string_view text, std::uint64_t size) {
  const std::size_t sum = text.rfind(kSum);
  if (sum == std::string_view::npos) return std::nullopt;
  const std::string_view told = text.substr(0, sum);
  if (text.substr(sum) != std::string(kSum) + sum_of(told) + "\n") return std::nullopt;
  std::string_view rest = told;
  PartInfo info;
  if (!skip(rest, kFirstLine) || !take_identity(rest, info.identity) || !skip(rest, "verified "))
    return std::nullopt;
  const std::uint64_t count = size / kChunkBytes + 1;
  while (rest != "\n") {
    std::uint64_t first = 0;
    if (!take(rest, first)) return std::nullopt;
    std::uint64_t last = first;
    if (skip(rest, "-") && !take(rest, last)) return std::nullopt;
    for (std::uint64_t chunk = first; chunk <= last && chunk < count; ++chunk)
      info.verified.insert(chunk);
    if (!skip(rest, ",") && rest != "\n") return std::nullopt;
  }
  return info;
}

}  // namespace fairlead
