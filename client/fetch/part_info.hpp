// The side-car of an incomplete download: the version of the file, and its verified chunks. A few
// lines of text:
//
// clang-format off
//   fairlead part 1
//   identity DEVICE INODE SIZE MTIME_NS CTIME_NS
//   verified 0-31,40,44-50
//   sha256 HEX            of the lines above
// clang-format on
//
// It is a note and no proof: the next attempt hashes the stored bytes again, and ignores a damaged
// side-car.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/protocol/file_frames.hpp"

namespace fairlead {

struct PartInfo {
  FileIdentity identity = {};
  std::set<std::uint64_t> verified = {};  // chunks of 1 MiB
  bool operator==(const PartInfo&) const = default;
};

std::string part_info_text(const PartInfo& info);

// Empty unless `text` was made by part_info_text(). Allocates for no more chunks than `size` bytes
// have.
std::optional<PartInfo> read_part_info(std::string_view text, std::uint64_t size);

}  // namespace fairlead
