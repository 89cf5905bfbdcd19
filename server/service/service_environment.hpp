// Where a service finds the world outside its peers. One per shard; every part outlives the
// services.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fairlead {

// Takes lines for stdout, as the tutorials' servers print them.
class TranscriptSink {
 public:
  // One line or several, without the last newline; what came from a peer in it is already escaped.
  virtual void print(std::string_view line) = 0;

 protected:
  ~TranscriptSink() = default;
};

// A regular file opened for reading.
class OpenFile {
 public:
  virtual ~OpenFile() = default;

  // The size when it was opened.
  virtual std::uint64_t size_bytes() const noexcept = 0;

  // Reads up to `size` bytes at `offset`. 0: the file ends there. Negative: it could not be read.
  virtual std::ptrdiff_t read_at(std::uint64_t offset, char* into, std::size_t size) = 0;
};

// Opens the files of one service's root and nothing else.
class FileRoot {
 public:
  virtual ~FileRoot() = default;

  // `name` is UTF-8 and comes from a peer. Null: missing or forbidden, which look the same.
  virtual std::unique_ptr<OpenFile> open(std::string_view name) = 0;
};

struct FileSettings;

class FileRoots {
 public:
  // Null only when no root is configured, or it cannot be opened (then the daemon has logged why).
  virtual std::unique_ptr<FileRoot> root_for(const FileSettings& settings) = 0;

 protected:
  ~FileRoots() = default;
};

struct ServiceEnvironment {
  TranscriptSink& transcript;
  FileRoots& files;
};

}  // namespace fairlead
