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

template <class Value, class Payload>
concept Is = std::same_as<std::remove_const_t<Value>, Payload>;

void fields(auto& io, Is<FileIdentity> auto& identity) {
  io(identity.device);
  io(identity.inode);
  io(identity.size);
  io(identity.mtime_ns);
  io(identity.ctime_ns);
}

void fields(auto& io, Is<FileStatus> auto& status) {
  io(status.kind);
  fields(io, status.identity);
}

void fields(auto& io, Is<ListRequest> auto& request) {
  io(request.entries_max);
  io(request.after);
  io.rest(request.directory);
}

void fields(auto& io, Is<FileListing> auto& listing) {
  io(listing.more);
  io.template list<std::uint16_t>(listing.entries, kEntryBytes, [](auto& item, auto& entry) {
    item(entry.kind);
    item(entry.size);
    item(entry.mtime_ns);
    item(entry.name);
  });
}

void fields(auto& io, Is<GetRequest> auto& request) {
  io(request.offset);
  io(request.length);
  fields(io, request.identity);
  io.rest(request.name);
}

void fields(auto& io, Is<FileBegin> auto& begin) {
  fields(io, begin.identity);
  io(begin.offset);
  io(begin.length);
}

void fields(auto& io, Is<FileEnd> auto& end) { io(end.bytes_sent); }

void fields(auto& io, Is<HashRequest> auto& request) {
  io(request.first);
  io(request.chunks_max);
  fields(io, request.identity);
  io.rest(request.name);
}

void fields(auto& io, Is<FileHashes> auto& hashes) {
  fields(io, hashes.identity);
  io(hashes.chunk_bytes);
  io(hashes.whole);
  io(hashes.first);
  io.template list<std::uint32_t>(hashes.chunks, sizeof(Sha256Digest),
                                  [](auto& item, auto& chunk) { item(chunk); });
}

}  // namespace

std::size_t listed_bytes(std::string_view name) noexcept { return kEntryBytes + name.size(); }

template <class Payload>
void append_payload(std::string& out, const Payload& payload) {
  Writer writer(out);
  fields(writer, payload);
}

template <class Payload>
std::optional<Payload> read_payload(Bytes bytes) {
  Reader reader(bytes);
  std::optional<Payload> payload(std::in_place);
  fields(reader, *payload);
  if (!reader.is_complete()) payload.reset();
  return payload;
}

template void append_payload(std::string&, const FileStatus&);
template std::optional<FileStatus> read_payload(Bytes);
template void append_payload(std::string&, const ListRequest&);
template std::optional<ListRequest> read_payload(Bytes);
template void append_payload(std::string&, const FileListing&);
template std::optional<FileListing> read_payload(Bytes);
template void append_payload(std::string&, const GetRequest&);
template std::optional<GetRequest> read_payload(Bytes);
template void append_payload(std::string&, const FileBegin&);
template std::optional<FileBegin> read_payload(Bytes);
template void append_payload(std::string&, const FileEnd&);
template std::optional<FileEnd> read_payload(Bytes);
template void append_payload(std::string&, const HashRequest&);
template std::optional<HashRequest> read_payload(Bytes);
template void append_payload(std::string&, const FileHashes&);
template std::optional<FileHashes> read_payload(Bytes);

}  // namespace fairlead
