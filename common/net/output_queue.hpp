// The pure half of a connection's write loop: bytes wait here until the kernel takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/base/byte_queue.hpp"
#include "common/base/byte_sink.hpp"
#include "common/net/byte_stream.hpp"

namespace fairlead {

// What a turn has queued leaves at its end in one gathering write; what the kernel refuses follows
// when it has room. Owned by its connection, beside the stream; the pool outlives it. Keep it until
// the stream has finished: a pending write reads from it.
//
// Invariant: is_waiting() exactly while the stream's write_later() is pending; is_shut_down() ->
// empty().
class OutputQueue final : public ByteSink {
 public:
  explicit OutputQueue(BufferPool& pool) noexcept : queue_(pool) {}

  // Appends. Throws std::bad_alloc; a prefix of the bytes may then be queued.
  void send(Bytes bytes) override { queue_.append(bytes); }

  // Writes as much as the kernel takes and has the rest written later. Ends our side once all of it
  // has left, where finish() was called.
  void flush(ByteStream& stream);

  // The stream's answer to write_later(). flush() follows.
  void on_written(std::size_t size) noexcept;

  // Past the queue: bytes, or a part of a file, that need not be copied. How many the kernel took;
  // none while anything waits. Where it took fewer than all, call await_room(). Nothing where the
  // stream cannot send a part of a file.
  std::size_t write_through(ByteStream& stream, std::span<const Bytes> pieces);
  std::optional<std::size_t> write_through(ByteStream& stream, const FilePart& part);
  void await_room(ByteStream& stream);

  // Begins where the queue of another process has stopped. Throws std::bad_alloc.
  void go_on_with(Bytes unsent, std::uint64_t written_bytes) {
    queue_.append(unsent);
    written_bytes_ = written_bytes;
  }
  void append_unsent(std::string& out) const { queue_.append_to(out); }

  // The next flush() that leaves the queue empty ends our sending side.
  void finish() noexcept { is_finishing_ = true; }

  bool empty() const noexcept { return queue_.empty(); }
  std::size_t bytes() const noexcept { return queue_.size(); }     // sent and not yet written
  std::size_t memory() const noexcept { return queue_.memory(); }  // bytes of the blocks they take
  std::uint64_t written_bytes() const noexcept { return written_bytes_; }  // in all
  bool is_waiting() const noexcept { return is_waiting_; }  // for the kernel to have room
  bool is_shut_down() const noexcept { return is_shut_down_; }

 private:
  std::size_t count(std::size_t size) noexcept;

  ByteQueue queue_;
  std::uint64_t written_bytes_ = 0;
  bool is_waiting_ = false;
  bool is_finishing_ = false;
  bool is_shut_down_ = false;
};

}  // namespace fairlead
