// A stream for benchmarks of what lies above the kernel.
#pragma once

#include <cstdint>
#include <functional>

#include "common/net/byte_stream.hpp"

namespace fairlead {

// Link without a socket: a kernel that takes everything at once. It does what these benchmarks ask
// of it and no more, because its cost is a part of what they measure; tests have FakeConnection.
class Socketless final : public ByteStream {
 public:
  void start(StreamObserver& observer) override { observer_ = &observer; }
  std::size_t write_some(std::span<const Bytes> pieces) override {
    if (on_write) on_write(pieces);
    std::size_t size = 0;
    for (const Bytes piece : pieces) size += piece.size();
    sent_bytes_ += size;
    return size;
  }
  void write_later(std::span<const Bytes>) override {}
  void shut_down() override {}
  void pause() override {}
  void resume() override {}
  void probe() override { observer_->on_silence(); }
  void terminate(TerminateManner) override { terminated_ = true; }

  // Sees what leaves, where that is wanted.
  std::function<void(std::span<const Bytes>)> on_write;

  StreamObserver& observer() { return *observer_; }
  bool terminated() const { return terminated_; }
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

 private:
  StreamObserver* observer_ = nullptr;
  std::uint64_t sent_bytes_ = 0;
  bool terminated_ = false;
};

}  // namespace fairlead
