// The payloads of the file frames, which both sides read and write with these functions. Numbers
// are big-endian.
//
// clang-format off
//   STAT     name
//   STATUS   u8 kind, identity
//   LIST     u16 most entries, u16 length, known name; name of a directory
//   LISTING  u8 more follow, u16 count, count x (u8 kind, u64 size, i64 mtime_ns, u16 length, name)
//   GET      u64 offset, u64 length, identity, name
//   BEGIN    identity, u64 offset, u64 length
//   DATA     bytes
//   END      u64 bytes sent
//   HASH     u64 first chunk, u32 most chunks, identity, name
//   HASHES   identity, u32 bytes of a chunk, SHA-256, u64 first chunk, u32 count, count x SHA-256
// clang-format on
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"

namespace fairlead {

// One version of one file, as the file system tells versions apart. All zero: any version.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;

  auto operator<=>(const FileIdentity&) const = default;
  bool is_any() const noexcept { return *this == FileIdentity(); }
};

inline constexpr std::size_t kIdentityBytes = 40;
inline constexpr std::uint64_t kToTheEnd = ~std::uint64_t{0};

using Sha256Digest = std::array<char, 32>;

enum class FileKind : std::uint8_t { file = 1, directory = 2 };

struct FileStatus {
  FileKind kind = FileKind::file;
  FileIdentity identity;
  bool operator==(const FileStatus&) const = default;
};

struct ListRequest {
  std::uint16_t entries_max = 0;  // 0: the server chooses
  std::string_view after;
  std::string_view directory;
  bool operator==(const ListRequest&) const = default;
};

struct FileEntry {
  FileKind kind = FileKind::file;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::string name;
  bool operator==(const FileEntry&) const = default;
};

struct FileListing {
  bool more = false;
  std::vector<FileEntry> entries;
  bool operator==(const FileListing&) const = default;
};

struct GetRequest {
  std::uint64_t offset = 0;
  std::uint64_t length = kToTheEnd;
  FileIdentity identity;
  std::string_view name;
  bool operator==(const GetRequest&) const = default;
};

struct FileBegin {
  FileIdentity identity;
  std::uint64_t offset = 0, length = 0;
  bool operator==(const FileBegin&) const = default;
};

struct FileEnd {
  std::uint64_t bytes_sent = 0;
  bool operator==(const FileEnd&) const = default;
};

struct HashRequest {
  std::uint64_t first = 0;
  std::uint32_t chunks_max = 0;  // 0: the server chooses
  FileIdentity identity;
  std::string_view name;
  bool operator==(const HashRequest&) const = default;
};

struct FileHashes {
  FileIdentity identity;
  std::uint32_t chunk_bytes = 0;
  Sha256Digest whole{};
  std::uint64_t first = 0;
  std::vector<Sha256Digest> chunks;
  bool operator==(const FileHashes&) const = default;
};

// Both are there for STATUS to HASHES, the structs above but for FileEntry.
template <class Payload>
void append_payload(std::string& out, const Payload& payload);

// Reads a whole payload; nothing where it is shorter or longer than its fields. Names in requests
// are views into it. A count is checked against the size of the payload before anything is
// allocated.
template <class Payload>
std::optional<Payload> read_payload(Bytes bytes);

// The size of an entry in a LISTING.
std::size_t listed_bytes(std::string_view name) noexcept;

}  // namespace fairlead
