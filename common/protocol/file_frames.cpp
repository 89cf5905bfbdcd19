#include "common/protocol/file_frames.hpp"

#include <algorithm>

#include "common/protocol/frame.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kEntryBytes = 1 + 8 + 8 + 2;  // in front of its name

template <std::size_t N>
void append(std::string& out, const std::array<char, N>& bytes) {
  out.append(bytes.data(), bytes.size());
}
void append_u8(std::string& out, std::uint8_t value) { out += static_cast<char>(value); }
void append_u16(std::string& out, std::uint16_t value) { append(out, big_endian_16(value)); }
void append_u32(std::string& out, std::uint32_t value) { append(out, big_endian_32(value)); }
void append_u64(std::string& out, std::uint64_t value) { append(out, big_endian_64(value)); }
void append_i64(std::string& out, std::int64_t value) {
  append_u64(out, static_cast<std::uint64_t>(value));
}
void append_name(std::string& out, std::string_view name) {
  append_u16(out, static_cast<std::uint16_t>(name.size()));
  out += name;
}
void append_identity(std::string& out, const FileIdentity& identity) {
  append_u64(out, identity.device);
  append_u64(out, identity.inode);
  append_u64(out, identity.size);
  append_i64(out, identity.mtime_ns);
  append_i64(out, identity.ctime_ns);
}

// Takes fields from the front of a payload. Once one was not there, all are zero and ok() is false.
class Fields {
 public:
  explicit Fields(Bytes payload) : left_(payload) {}

  Bytes bytes(std::size_t size) {
    if (size > left_.size()) {
      ok_ = false;
      left_ = {};
      return {};
    }
    const Bytes taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::uint8_t u8() {
    const Bytes at = bytes(1);
    return at.empty() ? std::uint8_t{0} : octet(at[0]);
  }
  std::uint16_t u16() {
    const Bytes at = bytes(2);
    return at.empty() ? std::uint16_t{0} : read_big_endian_16(at.data());
  }
  std::uint32_t u32() {
    const Bytes at = bytes(4);
    return at.empty() ? 0 : read_big_endian_32(at.data());
  }
  std::uint64_t u64() {
    const Bytes at = bytes(8);
    return at.empty() ? 0 : read_big_endian_64(at.data());
  }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  Bytes name() { return bytes(u16()); }
  Bytes rest() { return bytes(left_.size()); }

  FileKind kind() {
    const std::uint8_t value = u8();
    if (value != 1 && value != 2) ok_ = false;
    return static_cast<FileKind>(value);
  }
  FileIdentity identity() {
    FileIdentity identity;
    identity.device = u64();
    identity.inode = u64();
    identity.size = u64();
    identity.mtime_ns = i64();
    identity.ctime_ns = i64();
    return identity;
  }
  Sha256Digest digest() {
    Sha256Digest digest{};
    const Bytes at = bytes(digest.size());
    std::copy(at.begin(), at.end(), digest.begin());
    return digest;
  }

  bool ok() const noexcept { return ok_; }
  bool ends() const noexcept { return ok_ && left_.empty(); }
  // Whether so many things of at least `size` bytes can stand in what is left.
  bool has_room_for(std::size_t count, std::size_t size) const noexcept {
    return count <= left_.size() / size;
  }

 private:
  Bytes left_;
  bool ok_ = true;
};

template <class Value>
std::optional<Value> if_true(bool ok, Value&& value) {
  return ok ? std::optional<Value>(std::forward<Value>(value)) : std::nullopt;
}

}  // namespace

void append_status(std::string& out, const FileStatus& status) {
  append_u8(out, static_cast<std::uint8_t>(status.kind));
  append_identity(out, status.identity);
}

std::optional<FileStatus> read_status(Bytes payload) {
  Fields fields(payload);
  FileStatus status;
  status.kind = fields.kind();
  status.identity = fields.identity();
  return if_true(fields.ends(), std::move(status));
}

void append_list_request(std::string& out, const ListRequest& request) {
  append_u16(out, request.entries_max);
  append_name(out, request.after);
  out += request.directory;
}

std::optional<ListRequest> read_list_request(Bytes payload) {
  Fields fields(payload);
  ListRequest request;
  request.entries_max = fields.u16();
  request.after = fields.name();
  request.directory = fields.rest();
  return if_true(fields.ok(), std::move(request));
}

std::size_t listed_bytes(std::string_view name) noexcept { return kEntryBytes + name.size(); }

void append_listing(std::string& out, const FileListing& listing) {
  append_u8(out, listing.more ? 1 : 0);
  append_u16(out, static_cast<std::uint16_t>(listing.entries.size()));
  for (const FileEntry& entry : listing.entries) {
    append_u8(out, static_cast<std::uint8_t>(entry.kind));
    append_u64(out, entry.size);
    append_i64(out, entry.mtime_ns);
    append_name(out, entry.name);
  }
}

std::optional<FileListing> read_listing(Bytes payload) {
  Fields fields(payload);
  FileListing listing;
  listing.more = fields.u8() != 0;
  const std::size_t count = fields.u16();
  if (!fields.has_room_for(count, kEntryBytes)) return std::nullopt;
  listing.entries.resize(count);
  for (FileEntry& entry : listing.entries) {
    entry.kind = fields.kind();
    entry.size = fields.u64();
    entry.mtime_ns = fields.i64();
    entry.name = fields.name();
  }
  return if_true(fields.ends(), std::move(listing));
}

void append_get_request(std::string& out, const GetRequest& request) {
  append_u64(out, request.offset);
  append_u64(out, request.length);
  append_identity(out, request.identity);
  out += request.name;
}

std::optional<GetRequest> read_get_request(Bytes payload) {
  Fields fields(payload);
  GetRequest request;
  request.offset = fields.u64();
  request.length = fields.u64();
  request.identity = fields.identity();
  request.name = fields.rest();
  return if_true(fields.ok(), std::move(request));
}

void append_begin(std::string& out, const FileBegin& begin) {
  append_identity(out, begin.identity);
  append_u64(out, begin.offset);
  append_u64(out, begin.length);
}

std::optional<FileBegin> read_begin(Bytes payload) {
  Fields fields(payload);
  FileBegin begin;
  begin.identity = fields.identity();
  begin.offset = fields.u64();
  begin.length = fields.u64();
  return if_true(fields.ends(), std::move(begin));
}

void append_end(std::string& out, std::uint64_t bytes_sent) { append_u64(out, bytes_sent); }

std::optional<std::uint64_t> read_end(Bytes payload) {
  Fields fields(payload);
  const std::uint64_t bytes_sent = fields.u64();
  return if_true(fields.ends(), std::uint64_t{bytes_sent});
}

void append_hash_request(std::string& out, const HashRequest& request) {
  append_u64(out, request.first);
  append_u32(out, request.chunks_max);
  append_identity(out, request.identity);
  out += request.name;
}

std::optional<HashRequest> read_hash_request(Bytes payload) {
  Fields fields(payload);
  HashRequest request;
  request.first = fields.u64();
  request.chunks_max = fields.u32();
  request.identity = fields.identity();
  request.name = fields.rest();
  return if_true(fields.ok(), std::move(request));
}

void append_hashes(std::string& out, const FileHashes& hashes) {
  append_identity(out, hashes.identity);
  append_u32(out, hashes.chunk_bytes);
  append(out, hashes.whole);
  append_u64(out, hashes.first);
  append_u32(out, static_cast<std::uint32_t>(hashes.chunks.size()));
  for (const Sha256Digest& chunk : hashes.chunks) append(out, chunk);
}

std::optional<FileHashes> read_hashes(Bytes payload) {
  Fields fields(payload);
  FileHashes hashes;
  hashes.identity = fields.identity();
  hashes.chunk_bytes = fields.u32();
  hashes.whole = fields.digest();
  hashes.first = fields.u64();
  const std::size_t count = fields.u32();
  if (!fields.has_room_for(count, sizeof(Sha256Digest))) return std::nullopt;
  hashes.chunks.resize(count);
  for (Sha256Digest& chunk : hashes.chunks) chunk = fields.digest();
  return if_true(fields.ends(), std::move(hashes));
}

}  // namespace fairlead
