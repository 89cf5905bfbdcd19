// A server of one file, as docs/protocol.md has it, that answers when the test says so; and a
// target in memory.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/fetch/file_fetch.hpp"
#include "common/protocol/file_frames.hpp"

namespace fairlead {

inline std::string patterned(std::size_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(seed >> 56);
  }
  return bytes;
}

inline Sha256Digest sha256_of(Bytes bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

class MemoryTarget final : public FetchTarget {
 public:
  std::string stored_as() const override { return "memory"; }
  Leftover leftover() const override { return earlier; }
  bool read(std::uint64_t offset, char* into, std::size_t size) override {
    if (is_unreadable || offset + size > bytes.size()) return false;
    std::copy_n(bytes.data() + offset, size, into);
    return true;
  }
  std::string begin(const FileIdentity& identity) override {
    ++begun;
    bytes.resize(std::min<std::uint64_t>(bytes.size(), identity.size));
    return {};
  }
  std::string write(std::uint64_t offset, Bytes part) override {
    if (offset + part.size() > room) return "the disk is full";
    if (bytes.size() < offset + part.size()) bytes.resize(offset + part.size());
    std::copy(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    written += part.size();
    return {};
  }
  std::string keep(std::uint64_t chunk) override {
    kept.push_back(chunk);
    if (is_stream_) shown = true;
    return {};
  }
  std::string finish() override {
    ++finished;
    return {};
  }
  void leave() override { ++left; }
  void discard() override {}
  bool is_stream() const override { return is_stream_; }
  bool only_compares() const override { return compares; }
  bool has_shown() const override { return shown; }

  // As an earlier attempt would have left it.
  void hold(std::string there, const FileIdentity& identity = {}) {
    bytes = std::move(there);
    earlier = {.identity = identity, .size = bytes.size()};
  }

  std::string bytes;
  Leftover earlier;
  std::uint64_t room = ~std::uint64_t{0};
  std::uint64_t written = 0;
  std::vector<std::uint64_t> kept;
  int begun = 0, finished = 0, left = 0;
  bool is_unreadable = false, is_stream_ = false, shown = false, compares = false;
};

class ModelServer {
 public:
  // Another version, with an identity of its own.
  void store(std::string bytes) {
    ++identity_.ctime_ns;
    store_unnoticed(std::move(bytes));
  }
  // Another content with the same identity, as far as the size allows.
  void store_unnoticed(std::string bytes) {
    bytes_ = std::move(bytes);
    identity_.size = bytes_.size();
    versions_.push_back(bytes_);
  }
  const FileIdentity& identity() const { return identity_; }
  const std::string& bytes() const { return bytes_; }
  bool has_had(const std::string& bytes) const {
    return std::find(versions_.begin(), versions_.end(), bytes) != versions_.end();
  }

  struct Sent {
    FrameType type;
    std::string payload;
  };

  // All frames of an answer, as of now. DATA has `piece` bytes at most.
  std::deque<Sent> answer(const FetchTask& task, std::size_t piece = 32768) const {
    return task.type == FrameType::hash ? hashes(task) : content(task, piece);
  }

  std::size_t page_chunks = 1024;

 private:
  static Sent error(CloseReason reason) {
    return {FrameType::error, std::string(1, static_cast<char>(reason))};
  }

  std::deque<Sent> content(const FetchTask& task, std::size_t piece) const {
    const auto asked = read_payload<GetRequest>(task.payload);
    if (!asked->identity.is_any() && asked->identity != identity_)
      return {error(CloseReason::file_changed)};
    const std::uint64_t begin = std::min<std::uint64_t>(asked->offset, bytes_.size());
    const std::uint64_t size = std::min<std::uint64_t>(asked->length, bytes_.size() - begin);
    std::deque<Sent> frames;
    append_payload(frames.emplace_back(FrameType::begin, "").payload,
                   FileBegin{.identity = identity_, .offset = asked->offset, .length = size});
    for (std::uint64_t at = begin; at < begin + size; at += piece)
      frames.push_back({FrameType::data, bytes_.substr(at, std::min(piece, begin + size - at))});
    append_payload(frames.emplace_back(FrameType::end, "").payload, FileEnd{size});
    return frames;
  }

  std::deque<Sent> hashes(const FetchTask& task) const {
    const auto asked = read_payload<HashRequest>(task.payload);
    if (!asked->identity.is_any() && asked->identity != identity_)
      return {error(CloseReason::file_changed)};
    FileHashes told;
    told.identity = identity_;
    told.chunk_bytes = kChunkBytes;
    told.first = asked->first;
    told.whole = sha256_of(bytes_);
    for (std::uint64_t at = asked->first * kChunkBytes;
         at < bytes_.size() && told.chunks.size() < page_chunks; at += kChunkBytes)
      told.chunks.push_back(sha256_of(Bytes(bytes_).substr(at, kChunkBytes)));
    std::deque<Sent> frames;
    append_payload(frames.emplace_back(FrameType::hashes, "").payload, told);
    return frames;
  }

  FileIdentity identity_{.device = 1, .inode = 2, .mtime_ns = 3, .ctime_ns = 4};
  std::string bytes_;
  std::vector<std::string> versions_;
};

}  // namespace fairlead
