// A stream socket as a Transport. Included by common/io only.
#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <cstdint>

#include "common/base/buffer_pool.hpp"
#include "common/base/byte_queue.hpp"
#include "common/io/loop_core.hpp"
#include "common/io/operation_memory.hpp"
#include "common/net/transport.hpp"

namespace fairlead {

using LinkSocket = asio::basic_stream_socket<asio::generic::stream_protocol, LoopExecutor>;

// Owned by its session; used on its loop's thread. A pending read always has a buffer of its own:
// Asio reads when the operation starts or the socket becomes ready, and delivers later, so a shared
// one would be overwritten.
//
// Invariant: destroyed only when no operation is pending, which is what on_finished says; but for a
// loop that was stopped at once, which then keeps the memory of what is pending.
class Link final : public Transport {
 public:
  Link(LoopCore& loop, int descriptor);
  Link(LoopCore& loop, LinkSocket socket);
  ~Link() override;

  void start(TransportObserver& observer) override;
  void send(Bytes bytes) override;
  void flush() override;
  void finish_sending() override;
  void pause() override { paused_ = true; }
  void resume() override;
  void probe() override;
  void release_buffers() override;
  bool holds_buffer() const noexcept override { return block_ != nullptr || wants_block_; }
  void terminate(TerminateManner manner) override;
  std::size_t queued_bytes() const noexcept override { return queue_.size(); }
  std::uint64_t sent_bytes() const noexcept override { return sent_bytes_; }
  bool finished_sending() const noexcept override { return finished_sending_; }

  // For the loop: the turn in which something was read has ended.
  void read_again();

 private:
  struct ReadDone;
  struct WriteReady;

  void read_loop();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void deliver(Bytes bytes, bool more_may_wait);
  bool read_now();
  void choose_buffer(std::size_t delivered_bytes);

  void write_loop();
  void on_write_ready(const boost::system::error_code& error);

  void fail(const boost::system::error_code& error);
  void finish_when_idle();

  // Small requests fit (64 bytes behind the largest of our headers), so a session that is not in
  // the middle of a burst holds no block of the pool.
  static constexpr std::size_t kOwnBytes = 80;
  // What a busy session reads into; a full one says that there is more, which then goes through the
  // loop's scratch.
  static constexpr std::size_t kBlockBytes = 4096;

  LoopCore& loop_;
  LinkSocket socket_;
  TransportObserver* observer_ = nullptr;
  ByteQueue queue_;
  std::uint64_t sent_bytes_ = 0;
  char* block_ = nullptr;  // of kBlockBytes, from the pool; null: read into own_
  // Asio keeps the memory of only a few operations for reuse, and a wake-up brings many: the one
  // pending read has its own.
  OperationMemory read_memory_;
  bool wants_block_ = false;
  bool paused_ = false;
  bool reading_ = false;  // an operation is pending, or its handler's turn has not ended
  bool resting_ = false;  // the latter: read_again() will be called
  bool writing_ = false;
  bool probing_ = false;
  bool ended_ = false;  // the peer's FIN, or an error, has been delivered
  bool finishing_ = false;
  bool finished_sending_ = false;
  bool terminated_ = false;
  bool finish_posted_ = false;
  std::array<char, kOwnBytes> own_;
};

}  // namespace fairlead
