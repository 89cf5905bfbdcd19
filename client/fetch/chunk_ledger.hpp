// The chunks of one version of a file: which are stored, which are verified, which to fetch next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/hash/sha256.hpp"
#include "common/protocol/file_frames.hpp"
#include "common/protocol/limits.hpp"

namespace fairlead {

// The bytes that one hash covers (docs/protocol.md, HASHES); the last chunk may be shorter.
inline constexpr std::uint64_t kChunkBytes = kFileChunkBytes;

// The size and the hash of a stored chunk.
struct HeldChunk {
  std::uint64_t bytes = 0;
  Sha256Digest digest{};
};
using HeldChunks = std::map<std::uint64_t, HeldChunk>;

// The stored beginning of a chunk.
struct PartialChunk {
  std::uint64_t bytes = 0;       // from the chunk's beginning
  std::unique_ptr<Sha256> hash;  // of these
};

// Consecutive chunks to fetch; `begun`: the stored beginning of the first.
struct ChunkRun {
  std::uint64_t first = 0, count = 0;
  PartialChunk begun = {};
};

// Allocates for the chunks that were requested or stored, not for the announced size.
//
// Invariant: each chunk is missing, asked for, held (its digest is known), or right (its digest is
// what it should be).
class ChunkLedger {
 public:
  explicit ChunkLedger(std::uint64_t size) : size_(size) {}

  std::uint64_t size() const noexcept { return size_; }  // bytes
  std::uint64_t count() const noexcept { return size_ / kChunkBytes + (size_ % kChunkBytes != 0); }
  std::uint64_t bytes_of(std::uint64_t chunk) const noexcept;

  bool has_missing() const noexcept;
  std::uint64_t missing_count() const noexcept { return count() - taken_count_; }

  // The next run of missing chunks, at most `chunks_max`; empty: none is missing.
  std::optional<ChunkRun> take(std::uint64_t chunks_max);

  // Requested chunks that will not arrive. `begun`: the received beginning of the first.
  void give_back(std::uint64_t first, std::uint64_t count, PartialChunk begun = {});

  // A chunk has arrived, or was found on disk. False: its hash is wrong, it is missing again.
  bool hold(std::uint64_t chunk, const Sha256Digest& digest);

  // The expected hashes of the chunks from expected_count() on. Returns stored chunks with another
  // hash; they are missing again.
  std::vector<std::uint64_t> expect(std::span<const Sha256Digest> digests);

  // Drops the expected hashes from `first` on: they may have been damaged in transit.
  void forget_expected(std::uint64_t first);

  // The number of chunks, from the first, with a known expected hash.
  std::uint64_t expected_count() const noexcept { return expected_.size(); }

  bool is_right(std::uint64_t chunk) const noexcept { return state_of(chunk) == State::right; }
  bool is_complete() const noexcept { return right_count_ == count(); }
  std::uint64_t here_bytes() const noexcept { return here_bytes_; }  // held or right

  // All stored chunks.
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
  std::uint64_t here_bytes_ = 0;
};

}  // namespace fairlead
