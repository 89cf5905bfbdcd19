// A stream socket as a Transport. Included by common/io only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/base/byte_queue.hpp"
#include "common/io/loop_core.hpp"
#include "common/io/unsent_bound.hpp"
#include "common/net/transport.hpp"

namespace fairlead {

// Owned by its session; used on its loop's thread. It reads when the loop says that there is
// something, into the loop's scratch, and so holds no buffer of its own.
class Link final : public Transport, private Watcher {
 public:
  // Takes over the descriptor.
  Link(LoopCore& loop, int descriptor);
  ~Link() override;

  void start(TransportObserver& observer) override;
  void send(Bytes bytes) override;
  void flush() override;
  std::size_t offer(std::span<const Bytes> pieces) override;
  std::size_t offer_file(const FilePart& part) override;
  bool awaits_room() const noexcept override { return blocked_; }
  bool still_leaves() override { return unsent_bound_ != nullptr && unsent_bound_->has_moved(); }
  void send_rest(Bytes bytes) override;
  void finish_sending() override;
  void pause() override { paused_ = true; }
  void resume() override;
  void probe() override;
  void terminate(TerminateManner manner) override;
  std::size_t queued_bytes() const noexcept override { return queue_.size(); }
  std::size_t queued_memory() const noexcept override { return queue_.memory(); }
  std::uint64_t sent_bytes() const noexcept override { return sent_bytes_; }
  bool finished_sending() const noexcept override { return finished_sending_; }

  // For the loop, once, after terminate(). The link may be gone when it returns.
  void tell_finished();

 private:
  void on_ready(std::uint32_t events) override;
  void watch();
  std::uint32_t wanted_events() const noexcept;

  bool read(std::size_t bytes_max);
  void write();
  void write_on();
  void block();
  bool may_offer() const noexcept;
  void expect_much(std::uint32_t unsent_most);
  std::size_t count_sent(std::ptrdiff_t size) noexcept;  // the kernel's answer to an offer
  void fail(int error);

  LoopCore& loop_;
  TransportObserver* observer_ = nullptr;
  ByteQueue queue_;
  std::unique_ptr<UnsentBound> unsent_bound_;  // once something has been offered
  std::uint64_t sent_bytes_ = 0;
  int descriptor_;
  std::uint32_t watched_ = 0;  // the events the loop watches for
  bool paused_ = false;
  bool takes_much_ = false;    // the last read was full, and did not make the session pause
  bool blocked_ = false;       // the kernel takes no more just now
  bool more_follows_ = false;  // on what ends the queue
  bool ended_ = false;         // the peer's FIN, or an error, has been delivered
  bool failed_ = false;        // the latter
  bool finishing_ = false;
  bool finished_sending_ = false;
  bool terminated_ = false;
  bool finish_pending_ = false;
  bool never_waits_ = false;  // the descriptor is known to be O_NONBLOCK
};

}  // namespace fairlead
