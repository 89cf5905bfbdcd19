#include "server/files/file_hashing.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "common/base/page_buffer.hpp"
#include "server/files/disk_error.hpp"

namespace fairlead {
namespace {

FileHashes page_of(const HashedFile& hashed, const HashFile& work) {
  FileHashes page{.identity = hashed.identity,
                  .chunk_bytes = kFileChunkBytes,
                  .whole = hashed.whole,
                  .first = work.first,
                  .chunks = {}};
  const std::uint64_t from = std::min<std::uint64_t>(work.first, hashed.chunks.size());
  const std::uint64_t count =
      std::min<std::uint64_t>(page_entries_max(work.chunks_max), hashed.chunks.size() - from);
  const auto begin = hashed.chunks.begin() + static_cast<std::ptrdiff_t>(from);
  page.chunks.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  return page;
}

// Reads the whole of a chunk. Less is a file that has become shorter.
RequestError read_chunk(const ServedRoot& root, const OpenedFile& file, std::uint64_t offset,
                        char* into, std::size_t size) {
  std::size_t at = 0;
  while (at < size) {
    const ssize_t got =
        ::pread(file.descriptor.get(), into + at, size - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return report_disk_error(root.log, file.name, "read", errno);
    if (got == 0) return RequestError::file_changed;
    at += static_cast<std::size_t>(got);
  }
  return RequestError::none;
}

}  // namespace

std::optional<FileAnswer> FileHashing::step() {
  if (!file_)
    if (auto answer = open()) return answer;
  if (const RequestError why = read_slice(); why != RequestError::none) return FileAnswer(why);
  if (read_bytes_ < file_->identity.size) return std::nullopt;
  return finish();
}

// An answer: there is nothing to read.
std::optional<FileAnswer> FileHashing::open() {
  auto file = open_file(*root_, work_.name);
  if (!file) return FileAnswer(file.error());
  const FileIdentity& identity = file->identity;
  if (!work_.identity.is_any() && work_.identity != identity)
    return FileAnswer(RequestError::file_changed);
  // Later pages must come from the same read of the file as the first page.
  if (work_.first > 0)
    if (const auto known = cache_.find(identity, work_.reader))
      return FileAnswer(page_of(*known, work_));
  if (const auto known = cache_.find(identity)) return FileAnswer(page_of(*known, work_));
  hashed_ = std::make_shared<HashedFile>();
  hashed_->identity = identity;
  file_ = std::move(*file);
  return std::nullopt;
}

RequestError FileHashing::read_slice() {
  const std::uint64_t size = file_->identity.size;
  const std::uint64_t end = std::min(size, read_bytes_ + kSliceBytes);
  PageBuffer buffer(kFileChunkBytes);
  Sha256 chunk;
  while (read_bytes_ < end) {
    const std::uint64_t at = read_bytes_;
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kFileChunkBytes, size - at));
    const RequestError why = read_chunk(*root_, *file_, at, buffer.at(at), wanted);
    if (why != RequestError::none) return why;
    const Bytes bytes(buffer.at(at), wanted);
    whole_.update(bytes);
    chunk.update(bytes);
    hashed_->chunks.push_back(chunk.finish());
    read_bytes_ += wanted;
  }
  return RequestError::none;
}

FileAnswer FileHashing::finish() {
  hashed_->whole = whole_.finish();
  struct stat after {};
  if (::fstat(file_->descriptor.get(), &after) != 0)
    return report_disk_error(root_->log, file_->name, "fstat", errno);
  if (identity_of(after) != file_->identity) return RequestError::file_changed;
  FileHashes page = page_of(*hashed_, work_);
  if (now_ns_() - file_->identity.ctime_ns >= kSettledNs) {
    cache_.put(hashed_);
  } else if (page.first + page.chunks.size() < hashed_->chunks.size()) {
    cache_.put(hashed_, work_.reader);
  }
  return page;
}

}  // namespace fairlead
