// Where the bytes of a file that is fetched go. Implemented by PartFile on disk, by StreamTarget
// for a pipe, and by the tests.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "client/fetch/chunk_ledger.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// What an earlier attempt has left.
struct Leftover {
  FileIdentity identity = {};          // the version it was fetching; is_any(): not known
  std::uint64_t size = 0;              // bytes that can be read
  std::set<std::uint64_t> right = {};  // the chunks that had been verified
};

// Used on one thread. What goes wrong is told as a sentence without full stop for a person; empty:
// nothing did. Every call may wait for the disk.
class FetchTarget {
 public:
  virtual ~FetchTarget() = default;

  virtual Leftover leftover() const = 0;

  // Of what is here, from its beginning or from an earlier attempt. False: it cannot be read.
  virtual bool read(std::uint64_t offset, char* into, std::size_t size) = 0;

  // Where, at `offset` or behind it, there may be something to read; behind the end: nowhere.
  virtual std::uint64_t next_data(std::uint64_t offset) const { return offset; }

  // The version that is fetched from now on; what is here behind its end goes.
  virtual std::string begin(const FileIdentity& identity) = 0;

  virtual std::string write(std::uint64_t offset, Bytes bytes) = 0;

  // A chunk has been verified.
  virtual std::string keep(std::uint64_t chunk) = 0;

  // Everything is here and right: give it its name.
  virtual std::string finish() = 0;

  // It ends before that; another attempt may go on with what is here.
  virtual void leave() = 0;

  // It ends, and nobody can go on with what is here.
  virtual void discard() = 0;

  // Only what has been verified may be shown, and what has been shown cannot be taken back.
  virtual bool is_stream() const = 0;
  virtual bool has_shown() const { return false; }
};

}  // namespace fairlead
