// The side-car of a download that is not complete: which version of the file it was, and what of it
// had been verified. A few lines of text:
//
//   fairlead part 1
//   identity DEVICE INODE SIZE MTIME_NS CTIME_NS
//   verified 0-31,40,44-50
//   sha256 HEX            of the lines above
//
// It is a note and no proof: whoever goes on hashes again what is there. A side-car that is damaged
// is as none.
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

// Nothing when it is not what part_info_text() has made. Takes memory for no more chunks than
// `size` bytes have.
std::optional<PartInfo> read_part_info(std::string_view text, std::uint64_t size);

}  // namespace fairlead
