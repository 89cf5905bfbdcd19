#include "tests/support/memory_files.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "common/hash/sha256.hpp"
#include "common/protocol/limits.hpp"
#include "tests/support/failing_allocations.hpp"

namespace fairlead {

// A content where sendfile(2) can read it.
class MemoryFileStores::Lent {
 public:
  explicit Lent(const std::string& content) : descriptor_(::memfd_create("lent", MFD_CLOEXEC)) {
    if (::write(descriptor_, content.data(), content.size()) != std::ssize(content))
      throw std::runtime_error("no file in memory");
  }
  ~Lent() { ::close(descriptor_); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

class MemoryFileStores::File final : public OpenFile {
 public:
  File(MemoryFileStores& all, Stored& stored)
      : all_(all), stored_(stored), identity_(stored.identity) {}

  const FileIdentity& identity() const noexcept override { return identity_; }
  bool is_unchanged() const override { return stored_.identity == identity_; }
  ReadResult read_cached(std::uint64_t offset, char* into, std::size_t size) override {
    ++all_.pieces_read;
    if (offset >= stored_.content.size()) return {ReadStatus::end_of_file};
    const auto from = static_cast<std::size_t>(offset);
    if (from >= stored_.cold_from) return {ReadStatus::not_cached};
    return {ReadStatus::ok,
            stored_.content.copy(into, std::min(size, stored_.cold_from - from), from)};
  }
  FilePart cached_part(std::uint64_t offset, std::size_t size) const override {
    const AllocationsSucceed always;
    const std::size_t end = std::min(stored_.content.size(), stored_.cold_from);
    if (!all_.lends || offset >= end) return {};
    if (!stored_.lent) stored_.lent = std::make_shared<const Lent>(stored_.content);
    const std::size_t left = end - static_cast<std::size_t>(offset);
    return {stored_.lent->descriptor(), offset, std::min(size, left)};
  }
  Stored& stored() const { return stored_; }

 private:
  MemoryFileStores& all_;
  Stored& stored_;
  const FileIdentity identity_;
};

class MemoryFileStores::Store final : public FileStore {
 public:
  explicit Store(MemoryFileStores& all) : all_(all) {}
  FileTask start(FileWork work, FileDone done) override {
    return all_.start(std::move(work), std::move(done));
  }
  DownloadSlot begin_download() override {
    if (all_.downloads >= all_.downloads_max) return nullptr;
    ++all_.downloads;
    return DownloadSlot(&all_.downloads, [](std::size_t* taken) { --*taken; });
  }

 private:
  MemoryFileStores& all_;
};

std::unique_ptr<FileStore> MemoryFileStores::store_for(const FileSettings&) {
  return std::make_unique<Store>(*this);
}

MemoryFileStores::Stored& MemoryFileStores::put(const std::string& name, std::string content,
                                                std::uint64_t announced_bytes) {
  clock_ns_ += 1000;
  Stored& stored = files_[name];
  stored.content = std::move(content);
  stored.lent = nullptr;
  stored.identity = {.device = 1,
                     .inode = stored.identity.inode != 0 ? stored.identity.inode : files_.size(),
                     .size = announced_bytes,
                     .mtime_ns = clock_ns_,
                     .ctime_ns = clock_ns_};
  return stored;
}

void MemoryFileStores::change(const std::string& name, std::string content) {
  add(name, std::move(content));
}

void MemoryFileStores::chill(const std::string& name, std::size_t read_ahead_bytes) {
  files_.at(name).cold_from = 0;
  files_.at(name).read_ahead_bytes = read_ahead_bytes;
}

FileTask MemoryFileStores::start(FileWork work, FileDone done) {
  ++works;
  const std::uint64_t number = ++last_;
  FileTask task(this, [number](MemoryFileStores* all) { all->give_up(number); });
  if (is_busy) {
    done(RequestError::server_full);
    return task;
  }
  // What is read ahead is the file's own, which may go before it is answered.
  waiting_.push_back({number,
                      [this, kept = std::make_shared<FileWork>(std::move(work))] {
                        return std::visit([this](const auto& one) { return do_work(one); }, *kept);
                      },
                      std::move(done)});
  if (answers_at_once) answer(waiting_.size() - 1);
  return task;
}

void MemoryFileStores::answer(std::size_t which) {
  const auto at = waiting_.begin() + static_cast<std::ptrdiff_t>(which);
  const Waiting one = std::move(*at);
  waiting_.erase(at);
  one.done(one.work());
}

void MemoryFileStores::give_up(std::uint64_t number) {
  std::erase_if(waiting_, [number](const Waiting& one) { return one.number == number; });
}

FileAnswer MemoryFileStores::do_work(const OpenForReading& work) {
  const auto found = files_.find(work.name);
  if (found == files_.end()) return RequestError::no_such_file;
  if (found->second.throws) throw std::runtime_error("the disk is on fire");
  return std::make_unique<File>(*this, found->second);
}

FileAnswer MemoryFileStores::do_work(const StatFile& work) {
  const auto found = files_.find(work.name);
  if (found != files_.end()) return FileStatus{FileKind::file, found->second.identity};
  const auto below = files_.lower_bound(work.name + '/');
  const bool is_directory = below != files_.end() && below->first.starts_with(work.name + '/');
  if (!is_directory) return RequestError::no_such_file;
  return FileStatus{FileKind::directory, {.device = 1, .inode = 999}};
}

FileAnswer MemoryFileStores::do_work(const ListDirectory& work) {
  const std::string prefix = work.name.empty() ? "" : work.name + '/';
  std::map<std::string, FileEntry> entries;
  for (const auto& [path, stored] : files_) {
    if (!path.starts_with(prefix)) continue;
    const std::string name =
        path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
    const bool is_file = prefix.size() + name.size() == path.size();
    entries[name] =
        is_file ? FileEntry{FileKind::file, stored.identity.size, stored.identity.mtime_ns, name}
                : FileEntry{FileKind::directory, 0, 0, name};
  }
  if (entries.empty() && !prefix.empty()) return RequestError::no_such_file;
  FileListing listing;
  for (auto at = entries.upper_bound(work.after); at != entries.end(); ++at) {
    if (work.entries_max != 0 && listing.entries.size() == work.entries_max) {
      listing.more = true;
      break;
    }
    listing.entries.push_back(at->second);
  }
  return listing;
}

FileAnswer MemoryFileStores::do_work(const HashFile& work) {
  const auto found = files_.find(work.name);
  if (found == files_.end()) return RequestError::no_such_file;
  const Stored& stored = found->second;
  if (!work.identity.is_any() && work.identity != stored.identity)
    return RequestError::file_changed;
  Sha256 hash;
  FileHashes hashes{stored.identity, kFileChunkBytes, {}, work.first, {}};
  hash.update(stored.content);
  hashes.whole = hash.finish();
  const Bytes content(stored.content);
  for (std::size_t at = 0; at < content.size(); at += kFileChunkBytes) {
    if (at / kFileChunkBytes < work.first) continue;
    if (work.chunks_max != 0 && hashes.chunks.size() == work.chunks_max) break;
    hash.update(content.substr(at, kFileChunkBytes));
    hashes.chunks.push_back(hash.finish());
  }
  return hashes;
}

FileAnswer MemoryFileStores::do_work(const ReadAhead& work) {
  Stored& stored = static_cast<const File&>(work.file).stored();
  stored.cold_from = static_cast<std::size_t>(work.offset) + stored.read_ahead_bytes;
  return RequestError::none;
}

}  // namespace fairlead
