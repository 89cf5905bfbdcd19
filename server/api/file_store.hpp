// What a service of type `file` asks of the disk. Whatever may wait for one is answered later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "common/base/file_part.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/file_frames.hpp"

namespace fairlead {

struct FileSettings;

// A regular file opened for reading. Used on the shard's thread, where nothing of it waits for a
// disk.
class OpenFile {
 public:
  virtual ~OpenFile() = default;

  // When it was opened.
  virtual const FileIdentity& identity() const noexcept = 0;
  // Whether it is still that version.
  virtual bool is_unchanged() const = 0;

  enum class ReadStatus : std::uint8_t { ok, end_of_file, not_cached, failed };
  struct ReadResult {
    ReadStatus status;
    std::size_t size = 0;  // ok: at least one
  };
  // Reads up to `size` bytes at `offset`, fewer where the rest is not in memory.
  virtual ReadResult read_cached(std::uint64_t offset, char* into, std::size_t size) = 0;

  // What may be given to the kernel unread; nothing where the file can only be read.
  // It ends where the bytes are not in memory, as far as a look every 128 KiB can tell.
  virtual FilePart cached_part(std::uint64_t offset, std::size_t size) const = 0;
};

// ---- Work, by what is wanted. Names are as they came from a peer.

struct OpenForReading {
  std::string name;
  std::string bytes = {};  // as the client sent it, which is tried next
};
struct StatFile {
  std::string name;
};
struct ListDirectory {
  std::string name;         // empty: the root
  std::string after;        // the last name already known; empty: from the start
  std::size_t entries_max;  // 0: as many as fit a page
};
struct HashFile {
  std::string name;
  FileIdentity identity;  // is_any(): whatever is there
  std::uint64_t first;    // chunk
  std::size_t chunks_max;
  std::uint64_t reader;  // the connection: its pages of one file are of one reading
};
struct ReadAhead {
  const OpenFile& file;  // of the same root; may go before the answer comes
  std::uint64_t offset;
};
using FileWork = std::variant<OpenForReading, StatFile, ListDirectory, HashFile, ReadAhead>;

// What came of it. A RequestError is why there is nothing else: no_such_file (missing or forbidden,
// which look the same), file_changed, server_full, internal_error (the disk failed, and the log
// says how); none answers a ReadAhead.
using FileAnswer =
    std::variant<RequestError, std::unique_ptr<OpenFile>, FileStatus, FileListing, FileHashes>;

// Called once, in a turn of the shard, perhaps before start() returns. Only notes the answer: what
// follows from it is for on_writable.
using FileDone = std::function<void(FileAnswer)>;

// One piece of work that is under way. Whoever asked for it keeps this; when it goes, the work is
// given up, and its answer is never told. The store outlives it.
using FileTask = std::shared_ptr<void>;

// One of the downloads that may be under way at a time; given back when it goes.
using DownloadSlot = std::shared_ptr<void>;

// The files below one root, and nothing else. Each service of each shard has its own; used on the
// shard's thread.
class FileStore {
 public:
  virtual ~FileStore() = default;

  virtual FileTask start(FileWork work, FileDone done) = 0;

  // Null: max_downloads are under way.
  virtual DownloadSlot begin_download() = 0;
};

class FileStores {
 public:
  // Null only when no root is configured.
  virtual std::unique_ptr<FileStore> store_for(const FileSettings& settings) = 0;

 protected:
  ~FileStores() = default;
};

}  // namespace fairlead
