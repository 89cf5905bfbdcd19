#include "client/commands/get/stream_target.hpp"

namespace fairlead {

std::string StreamTarget::begin(const FileIdentity&) {
  waiting_.clear();
  return {};
}

std::string StreamTarget::write(std::uint64_t offset, Bytes bytes) {
  if (release_ == Release::at_once) {
    show(bytes);
    return problem();
  }
  // A chunk that was wrong arrives again from its beginning.
  std::string& chunk = waiting_[offset / kChunkBytes].bytes;
  chunk.resize(offset % kChunkBytes);
  chunk += bytes;
  return {};
}

std::string StreamTarget::keep(std::uint64_t chunk) {
  const auto kept = waiting_.find(chunk);
  if (kept == waiting_.end()) return {};
  kept->second.is_right = true;
  for (auto next = waiting_.begin(); next != waiting_.end() && next->second.is_right &&
                                     next->first * kChunkBytes == shown_bytes_;) {
    show(next->second.bytes);
    next = waiting_.erase(next);
  }
  return problem();
}

void StreamTarget::show(Bytes bytes) {
  out_.write(bytes);
  hash_.update(bytes);
  shown_bytes_ += bytes.size();
}

std::string StreamTarget::problem() const {
  return out_.error().empty() ? std::string() : "cannot write to stdout: " + out_.error();
}

}  // namespace fairlead
