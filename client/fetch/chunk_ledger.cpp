#include "client/fetch/chunk_ledger.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

std::uint64_t ChunkLedger::bytes_of(std::uint64_t chunk) const noexcept {
  return std::min(kChunkBytes, size_ - chunk * kChunkBytes);
}

bool ChunkLedger::has_missing() const noexcept {
  while (first_missing_ < count() && state_of(first_missing_) != State::missing) ++first_missing_;
  return first_missing_ < count();
}

std::optional<ChunkRun> ChunkLedger::take(std::uint64_t chunks_max) {
  if (!has_missing()) return std::nullopt;
  ChunkRun run{.first = first_missing_};
  if (const auto begun = partial_.find(run.first); begun != partial_.end()) {
    run.begun = std::move(begun->second);
    partial_.erase(begun);
  }
  do {
    set(run.first + run.count++, State::asked);
  } while (run.count < chunks_max && run.first + run.count < count() &&
           state_of(run.first + run.count) == State::missing &&
           !partial_.contains(run.first + run.count));
  return run;
}

void ChunkLedger::give_back(std::uint64_t first, std::uint64_t count, PartialChunk begun) {
  for (std::uint64_t chunk = first; chunk < first + count; ++chunk)
    if (state_of(chunk) == State::asked) set(chunk, State::missing);
  if (begun.bytes > 0 && count > 0) partial_.insert_or_assign(first, std::move(begun));
}

bool ChunkLedger::hold(std::uint64_t chunk, const Sha256Digest& digest) {
  set(chunk, State::held);
  digests_[chunk] = digest;
  return compare(chunk);
}

std::vector<std::uint64_t> ChunkLedger::expect(std::span<const Sha256Digest> digests) {
  const std::uint64_t first = expected_.size();
  expected_.insert(expected_.end(), digests.begin(), digests.end());
  std::vector<std::uint64_t> wrong;
  for (std::uint64_t chunk = first; chunk < expected_.size(); ++chunk)
    if (state_of(chunk) == State::held && !compare(chunk)) wrong.push_back(chunk);
  return wrong;
}

void ChunkLedger::forget_expected(std::uint64_t first) {
  if (first < expected_.size()) expected_.resize(first);
}

bool ChunkLedger::compare(std::uint64_t chunk) {
  if (chunk >= expected_.size()) return true;
  const bool right = digests_[chunk] == expected_[chunk];
  set(chunk, right ? State::right : State::missing);
  return right;
}

void ChunkLedger::set(std::uint64_t chunk, State to) {
  if (chunk >= states_.size()) {
    states_.resize(chunk + 1, State::missing);
    digests_.resize(chunk + 1);
  }
  const auto is_here = [](State state) { return state == State::held || state == State::right; };
  const State from = std::exchange(states_[chunk], to);
  const std::uint64_t bytes = bytes_of(chunk);
  if (is_here(from)) here_bytes_ -= bytes;
  if (is_here(to)) here_bytes_ += bytes;
  if (from == State::missing) ++taken_count_;
  if (to == State::missing) --taken_count_;
  if (from == State::right) --right_count_;
  if (to == State::right) ++right_count_;
  if (to == State::missing) first_missing_ = std::min(first_missing_, chunk);
}

HeldChunks ChunkLedger::held() const {
  HeldChunks all;
  for (std::uint64_t chunk = 0; chunk < states_.size(); ++chunk) {
    if (states_[chunk] == State::held || states_[chunk] == State::right)
      all.emplace(chunk, HeldChunk{bytes_of(chunk), digests_[chunk]});
  }
  return all;
}

}  // namespace fairlead
