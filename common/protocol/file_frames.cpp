#include "common/protocol/file_frames.hpp"

#include <algorithm>
#include <concepts>
#include <type_traits>

namespace fairlead {
namespace {

constexpr std::size_t kEntryBytes = 1 + 8 + 8 + 2;  // in front of its name

// Appends fields to a payload.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <std::integral Number>
  void operator()(Number value) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t left = sizeof value; left > 0; --left)
      out_ += static_cast<char>(bits >> 8 * (left - 1));
  }
  void operator()(FileKind kind) { (*this)(static_cast<std::uint8_t>(kind)); }
  void operator()(std::string_view name) {
    (*this)(static_cast<std::uint16_t>(name.size()));
    out_ += name;
  }
  void operator()(const Sha256Digest& digest) { out_.append(digest.data(), digest.size()); }
  void rest(std::string_view name) { out_ += name; }

  // The number of items, as a Count, and then each of them.
  template <class Count, class Item, class Field>
  void list(const std::vector<Item>& items, std::size_t, Field field) {
    (*this)(static_cast<Count>(items.size()));
    for (const Item& item : items) field(*this, item);
  }

 private:
  std::string& out_;
};

// Takes fields from the front of a payload. A missing field is zero, as are all fields after it.
class Reader {
 public:
  explicit Reader(Bytes payload) : left_(payload) {}

  template <std::integral Number>
  void operator()(Number& value) {
    std::uint64_t bits = 0;
    for (const char byte : take(sizeof value)) bits = bits << 8 | octet(byte);
    value = static_cast<Number>(bits);
  }
  void operator()(FileKind& kind) {
    std::uint8_t value = 0;
    (*this)(value);
    ok_ = ok_ && (value == 1 || value == 2);
    kind = static_cast<FileKind>(value);
  }
  template <class Name>
    requires std::same_as<Name, std::string> || std::same_as<Name, std::string_view>
  void operator()(Name& name) {
    std::uint16_t size = 0;
    (*this)(size);
    name = take(size);
  }
  void operator()(Sha256Digest& digest) { std::ranges::copy(take(digest.size()), digest.begin()); }
  void rest(std::string_view& name) { name = take(left_.size()); }

  // Allocates nothing for a count that the payload has no room for.
  template <class Count, class Item, class Field>
  void list(std::vector<Item>& items, std::size_t item_bytes_min, Field field) {
    Count count = 0;
    (*this)(count);
    ok_ = ok_ && count <= left_.size() / item_bytes_min;
    if (!ok_) return;
    items.resize(count);
    for (Item& item : items) field(*this, item);
  }

  bool is_complete() const noexcept { return ok_ && left_.empty(); }

 private:
  Bytes take(std::size_t size) {
    ok_ = ok_ && size <= left_.size();
    const Bytes taken = ok_ ? left_.substr(0, size) : Bytes();
    left_.remove_prefix(taken.size());
    return taken;
  }

  Bytes left_;
  bool ok_ = true;
};

// ---- The fields of each payload, in their order. `io` is a Writer or a Reader.

constexpr auto kIdentity = [](auto& io, auto& identity) {
  io(identity.device);
  io(identity.inode);
  io(identity.size);
  io(identity.mtime_ns);
  io(identity.ctime_ns);
};

constexpr auto kStatus = [](auto& io, auto& status) {
  io(status.kind);
  kIdentity(io, status.identity);
};

constexpr auto kListRequest = [](auto& io, auto& request) {
  io(request.entries_max);
  io(request.after);
  io.rest(request.directory);
};

constexpr auto kEntry = [](auto& io, auto& entry) {
  io(entry.kind);
  io(entry.size);
  io(entry.mtime_ns);
  io(entry.name);
};

constexpr auto kListing = [](auto& io, auto& listing) {
  io(listing.more);
  io.template list<std::uint16_t>(listing.entries, kEntryBytes, kEntry);
};

constexpr auto kGetRequest = [](auto& io, auto& request) {
  io(request.offset);
  io(request.length);
  kIdentity(io, request.identity);
  io.rest(request.name);
};

constexpr auto kBegin = [](auto& io, auto& begin) {
  kIdentity(io, begin.identity);
  io(begin.offset);
  io(begin.length);
};

constexpr auto kEnd = [](auto& io, auto& bytes_sent) { io(bytes_sent); };

constexpr auto kHashRequest = [](auto& io, auto& request) {
  io(request.first);
  io(request.chunks_max);
  kIdentity(io, request.identity);
  io.rest(request.name);
};

constexpr auto kHashes = [](auto& io, auto& hashes) {
  kIdentity(io, hashes.identity);
  io(hashes.chunk_bytes);
  io(hashes.whole);
  io(hashes.first);
  io.template list<std::uint32_t>(hashes.chunks, sizeof(Sha256Digest),
                                  [](auto& item_io, auto& chunk) { item_io(chunk); });
};

template <class Value, class Fields>
void append(std::string& out, const Value& value, Fields fields) {
  Writer writer(out);
  fields(writer, value);
}

template <class Value, class Fields>
std::optional<Value> read(Bytes payload, Fields fields) {
  Reader reader(payload);
  std::optional<Value> value(std::in_place);
  fields(reader, *value);
  if (!reader.is_complete()) value.reset();
  return value;
}

}  // namespace

std::size_t listed_bytes(std::string_view name) noexcept { return kEntryBytes + name.size(); }

void append_status(std::string& out, const FileStatus& status) { append(out, status, kStatus); }
void append_list_request(std::string& out, const ListRequest& request) {
  append(out, request, kListRequest);
}
void append_listing(std::string& out, const FileListing& listing) {
  append(out, listing, kListing);
}
void append_get_request(std::string& out, const GetRequest& request) {
  append(out, request, kGetRequest);
}
void append_begin(std::string& out, const FileBegin& begin) { append(out, begin, kBegin); }
void append_end(std::string& out, std::uint64_t bytes_sent) { append(out, bytes_sent, kEnd); }
void append_hash_request(std::string& out, const HashRequest& request) {
  append(out, request, kHashRequest);
}
void append_hashes(std::string& out, const FileHashes& hashes) { append(out, hashes, kHashes); }

std::optional<FileStatus> read_status(Bytes payload) { return read<FileStatus>(payload, kStatus); }
std::optional<ListRequest> read_list_request(Bytes payload) {
  return read<ListRequest>(payload, kListRequest);
}
std::optional<FileListing> read_listing(Bytes payload) {
  return read<FileListing>(payload, kListing);
}
std::optional<GetRequest> read_get_request(Bytes payload) {
  return read<GetRequest>(payload, kGetRequest);
}
std::optional<FileBegin> read_begin(Bytes payload) { return read<FileBegin>(payload, kBegin); }
std::optional<std::uint64_t> read_end(Bytes payload) { return read<std::uint64_t>(payload, kEnd); }
std::optional<HashRequest> read_hash_request(Bytes payload) {
  return read<HashRequest>(payload, kHashRequest);
}
std::optional<FileHashes> read_hashes(Bytes payload) { return read<FileHashes>(payload, kHashes); }

}  // namespace fairlead
