// Where a service finds the world outside its peers. One per service of each shard; every part
// outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/time.hpp"

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

// A service's own time. Each service has one.
class ServiceClock {
 public:
  // Of this turn. Stands still while the daemon was stopped or starved.
  virtual TimePoint now() const noexcept = 0;

  // Calls Service::on_time once, at or after `at`; a second call replaces the first, and kNever
  // takes it back.
  virtual void wake_at(TimePoint at) noexcept = 0;

 protected:
  ~ServiceClock() = default;
};

struct ServiceEnvironment {
  TranscriptSink& transcript;
  FileRoots& files;
  ServiceClock& clock;
};

}  // namespace fairlead
