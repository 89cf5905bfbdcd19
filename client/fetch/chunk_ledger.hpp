// Which chunks of one version of a file are here, which of them are right, and which to fetch next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/hash/sha256.hpp"
#include "common/protocol/file_frames.hpp"

namespace fairlead {

// The bytes of one hash (docs/protocol.md, HASHES); the last chunk of a file may be shorter.
inline constexpr std::uint64_t kChunkBytes = 1024 * 1024;

// A chunk that is here: what its bytes hash to.
struct HeldChunk {
  std::uint64_t bytes = 0;
  Sha256Digest digest{};
};
using HeldChunks = std::map<std::uint64_t, HeldChunk>;

// Bytes from the middle of a chunk whose beginning is here.
struct PartialChunk {
  std::uint64_t bytes = 0;       // from the chunk's beginning
  std::unique_ptr<Sha256> hash;  // of these
};

// Consecutive chunks to fetch. Of the first, `begun` may be here.
struct ChunkRun {
  std::uint64_t first = 0, count = 0;
  PartialChunk begun = {};
};

// Takes memory for the chunks that were asked for or told of, not for the size that was announced.
//
// Invariant: each chunk is missing, asked for, held (its digest is known), or right (its digest is
// what it should be); verified_bytes() is the sum over those that are right.
class ChunkLedger {
 public:
  explicit ChunkLedger(std::uint64_t size) : size_(size) {}

  std::uint64_t size() const noexcept { return size_; }  // bytes
  std::uint64_t count() const noexcept { return size_ / kChunkBytes + (size_ % kChunkBytes != 0); }
  std::uint64_t bytes_of(std::uint64_t chunk) const noexcept;

  bool has_missing() const noexcept;
  std::uint64_t missing_count() const noexcept { return count() - taken_count_; }

  // The next run of missing chunks, of `most` at most; none: all are here or asked for.
  std::optional<ChunkRun> take(std::uint64_t most);

  // These were asked for and will not come. `begun`: what has come of the first.
  void give_back(std::uint64_t first, std::uint64_t count, PartialChunk begun = {});

  // A chunk has come, or was found here. False: it is not what it should be, and missing again.
  bool hold(std::uint64_t chunk, const Sha256Digest& digest);

  // What the next chunks behind expected_count() should hash to, no more than there are. Returns
  // those that were held and are not that; they are missing again.
  std::vector<std::uint64_t> expect(std::span<const Sha256Digest> digests);

  // Forgets what the chunks from `first` on should hash to: it may have been damaged on its way.
  void doubt(std::uint64_t first);

  // Of how many chunks, from the first, it is known what they should hash to.
  std::uint64_t expected_count() const noexcept { return expected_.size(); }

  bool is_right(std::uint64_t chunk) const noexcept { return state_of(chunk) == State::right; }
  bool is_complete() const noexcept { return right_count_ == count(); }
  std::uint64_t verified_bytes() const noexcept { return verified_bytes_; }
  std::uint64_t here_bytes() const noexcept { return here_bytes_; }  // held or right

  // Of all that is here, as of now.
  HeldChunks held() const;

 private:
  enum class State : std::uint8_t { missing, asked, held, right };

  State state_of(std::uint64_t chunk) const noexcept {
    return chunk < states_.size() ? states_[chunk] : State::missing;
  }
  void set(std::uint64_t chunk, State to);
  bool compare(std::uint64_t chunk);

  std::uint64_t size_;
  std::vector<State> states_;          // up to the last chunk that is not missing
  std::vector<Sha256Digest> digests_;  // of those that are here
  std::vector<Sha256Digest> expected_;
  std::map<std::uint64_t, PartialChunk> partial_;
  mutable std::uint64_t first_missing_ = 0;  // none before it is
  std::uint64_t taken_count_ = 0;            // that are not missing
  std::uint64_t right_count_ = 0;
  std::uint64_t verified_bytes_ = 0, here_bytes_ = 0;
};

}  // namespace fairlead
