// The destination of a file that is fetched. Implemented by PartFile on disk, by StreamTarget for a
// pipe, and by the tests.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "client/fetch/chunk_ledger.hpp"
#include "common/base/bytes.hpp"

namespace fairlead {

// The leftover of an earlier attempt.
struct Leftover {
  FileIdentity identity = {};          // the version it was fetching; is_any(): not known
  std::uint64_t size = 0;              // bytes that can be read
  std::set<std::uint64_t> right = {};  // the chunks that had been verified
};

// Used on one thread. A returned text says what went wrong, for a person and without full stop;
// empty: nothing. Every call may wait for the disk.
class FetchTarget {
 public:
  virtual ~FetchTarget() = default;

  virtual Leftover leftover() const = 0;

  // Reads stored bytes, also those of an earlier attempt. False: it cannot be read.
  virtual bool read(std::uint64_t offset, char* into, std::size_t size) = 0;

  // The first offset from `offset` on where data may be stored; beyond the end if there is none.
  virtual std::uint64_t next_data(std::uint64_t offset) const { return offset; }

  // Starts with this version; stored bytes beyond its end are removed.
  virtual std::string begin(const FileIdentity& identity) = 0;

  virtual std::string write(std::uint64_t offset, Bytes bytes) = 0;

  // A chunk has been verified.
  virtual std::string keep(std::uint64_t chunk) = 0;

  // The SHA-256 of all bytes, once every chunk is kept, if the target was made for that.
  virtual Sha256Digest digest() { return {}; }

  // The file is complete and verified: gives it its name.
  virtual std::string finish() = 0;

  // Where it is, after finish(); empty: it is skipped, because that name has been taken meanwhile.
  virtual std::string stored_as() const = 0;

  // Ends early; another attempt may continue with the stored bytes.
  virtual void leave() = 0;

  // Ends, and removes the stored bytes.
  virtual void discard() = 0;

  // Wants no bytes: only to know whether its leftover is the whole file.
  virtual bool only_compares() const { return false; }

  // A stream shows verified bytes only, and cannot take them back.
  virtual bool is_stream() const = 0;
  virtual bool has_shown() const { return false; }
};

}  // namespace fairlead
