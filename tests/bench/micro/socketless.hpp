// A transport for benchmarks of what lies above the kernel.
#pragma once

#include <cstdint>
#include <functional>

#include "common/base/byte_queue.hpp"
#include "common/net/transport.hpp"

namespace fairlead {

// Link without a socket: a kernel that takes everything at once.
class Socketless final : public Transport {
 public:
  void start(TransportObserver& observer) override { observer_ = &observer; }
  void send(Bytes bytes) override { queue_.append(bytes); }
  void flush() override {
    if (on_flush) on_flush(queue_);
    sent_bytes_ += queue_.size();
    queue_.consume(queue_.size());
  }
  void finish_sending() override {}
  void pause() override {}
  void resume() override {}
  void probe() override { observer_->on_silence(); }
  void terminate(TerminateManner) override { terminated_ = true; }
  std::size_t queued_bytes() const noexcept override { return queue_.size(); }
  std::size_t queued_memory() const noexcept override { return queue_.memory(); }
  std::uint64_t sent_bytes() const noexcept override { return sent_bytes_; }
  bool finished_sending() const noexcept override { return false; }

  // Sees what leaves, where that is wanted.
  std::function<void(const ByteQueue&)> on_flush;

  TransportObserver& observer() { return *observer_; }
  bool terminated() const { return terminated_; }

 private:
  TransportObserver* observer_ = nullptr;
  BufferPool pool_;
  ByteQueue queue_{pool_};
  std::uint64_t sent_bytes_ = 0;
  bool terminated_ = false;
};

}  // namespace fairlead
