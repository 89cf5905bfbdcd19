#include "server/files/disk_file.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/page_buffer.hpp"
#include "server/files/disk_error.hpp"

namespace fairlead {
namespace {

constexpr std::uint64_t kReadAheadBytes = 1024 * 1024;

ssize_t read_some(int descriptor, std::uint64_t offset, char* into, std::size_t size, int flags) {
  const iovec buffer{into, size};
  for (;;) {
    const ssize_t got = ::preadv2(descriptor, &buffer, 1, static_cast<off_t>(offset), flags);
    if (got >= 0 || errno != EINTR) return got;
  }
}

}  // namespace

bool DiskFile::is_unchanged() const {
  struct stat now {};
  return ::fstat(data_->file.descriptor.get(), &now) == 0 && identity_of(now) == identity();
}

OpenFile::ReadResult DiskFile::read_cached(std::uint64_t offset, char* into, std::size_t size) {
  const int descriptor = data_->file.descriptor.get();
  ssize_t got = read_some(descriptor, offset, into, size, RWF_NOWAIT);
  // Some file systems know no RWF_NOWAIT, and what was read ahead may have left memory again. One
  // read without the flag keeps a download going, slowly, when memory is short.
  if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP)) {
    const std::uint64_t warm_to = data_->warm_to;
    if (offset < data_->warm_from || offset >= warm_to) return {ReadStatus::not_cached};
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, warm_to - offset));
    data_->warm_from = offset + size;
    got = read_some(descriptor, offset, into, size, 0);
  }
  if (got < 0) {
    static_cast<void>(report_disk_error(log_, data_->file.name, "read", errno));
    return {ReadStatus::failed};
  }
  if (got == 0) return {ReadStatus::end_of_file};
  return {ReadStatus::ok, static_cast<std::size_t>(got)};
}

FilePart DiskFile::cached_part(std::uint64_t offset, std::size_t size) const {
  constexpr std::size_t kLookEvery = 128 * 1024;  // as much as kernels read ahead at a time
  const int descriptor = data_->file.descriptor.get();
  std::size_t cached = 0;
  for (char byte = 0; cached < size; cached += kLookEvery)
    if (read_some(descriptor, offset + cached, &byte, 1, RWF_NOWAIT) != 1) break;
  return {descriptor, offset, std::min(cached, size)};
}

void read_ahead(DiskFileData& data, std::uint64_t offset) {
  constexpr std::size_t kPiece = 128 * 1024;
  PageBuffer sink(kPiece);
  const std::uint64_t end = offset + kReadAheadBytes;
  std::uint64_t at = offset;
  while (at < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - at));
    const ssize_t got = read_some(data.file.descriptor.get(), at, sink.at(at), wanted, 0);
    if (got <= 0) break;
    at += static_cast<std::uint64_t>(got);
  }
  // The shard finds out by its own read that this is the end, or that it cannot be read.
  data.warm_from = offset;
  data.warm_to = std::max(at, offset + 1);
}

}  // namespace fairlead
