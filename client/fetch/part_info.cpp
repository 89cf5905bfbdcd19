#include "client/fetch/part_info.hpp"

#include <algorithm>
#include <sstream>

#include "client/fetch/chunk_ledger.hpp"
#include "common/base/hex.hpp"
#include "common/hash/sha256.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kFirstLine = "fairlead part 1\n";
constexpr std::string_view kSum = "sha256 ";

std::string sum_line(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  const Sha256::Digest digest = hash.finish();
  return std::string(kSum) + hex_of(Bytes(digest.data(), digest.size())) + "\n";
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
  return text += sum_line(text);
}

std::optional<PartInfo> read_part_info(std::string_view text, std::uint64_t size) {
  const std::size_t sum = std::min(text.rfind(kSum), text.size());
  const std::string told(text.substr(0, sum));
  if (!told.starts_with(kFirstLine) || text.substr(sum) != sum_line(told)) return std::nullopt;
  // The sum shows that part_info_text() wrote the rest.
  std::istringstream rest(told.substr(kFirstLine.size()));
  std::string word;
  PartInfo info;
  FileIdentity& identity = info.identity;
  rest >> word >> identity.device >> identity.inode >> identity.size >> identity.mtime_ns >>
      identity.ctime_ns >> word;
  const std::uint64_t count = size / kChunkBytes + 1;
  for (std::uint64_t first = 0; rest >> first; rest.ignore()) {
    std::uint64_t last = first;
    if (rest.peek() == '-') rest.ignore() >> last;
    for (std::uint64_t chunk = first; chunk <= last && chunk < count; ++chunk)
      info.verified.insert(chunk);
  }
  return info;
}

}  // namespace fairlead
