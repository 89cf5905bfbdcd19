// A stream socket as a ByteStream. Included by common/io only.
#pragma once

#include <array>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/io/loop_core.hpp"
#include "common/net/byte_stream.hpp"

namespace fairlead {

// The two loops of every Asio server: read_loop() with async_read_some, and write_some() with
// write_later(), which is async_write_some. Owned by its connection; used on its loop's thread.
//
// A read is pending while the connection is idle, into a few bytes of the link's own: small
// requests fit. A larger one is read on at once into the loop's scratch, and so is what follows it,
// as long as that is large. A write is pending only while the kernel has no room.
//
// Invariant: no operation is pending when it is destroyed, which is what on_finished says, unless
// the loop was stopped.
class Link final : public ByteStream {
 public:
  // A socket that is not open, because the kernel could not watch it, is reported by start().
  Link(LoopCore& loop, LoopSocket socket);
  ~Link() override;

  void start(StreamObserver& observer) override;
  std::size_t write_some(std::span<const Bytes> pieces) override;
  std::optional<std::size_t> write_file(const FilePart& part) override;
  void write_later(std::span<const Bytes> pieces) override;
  void shut_down() override;
  void pause() override { is_paused_ = true; }
  void resume() override;
  void probe() override;
  void terminate(TerminateManner manner) override;
  void set_user_timeout(Duration time) override;
  std::uint32_t unacknowledged_bytes() const override;
  int descriptor() const override;
  void halt() override;

  // For the loop, outside of a turn: begins the next read, if it is wanted.
  void read_loop();
  // For the loop, once, after terminate(). The link may be gone when it returns.
  void tell_finished();

 private:
  using Error = boost::system::error_code;
  struct OnRead;
  struct PendingWrite;
  struct OnRoom;

  void read_later();
  bool read_on();
  void on_read(const Error& error, std::size_t size);
  bool read_directly(std::size_t bytes_max, std::size_t already = 0);
  std::size_t read_into_scratch(std::size_t bytes_max, std::size_t already, Error& error);
  void deliver(std::size_t size, std::size_t bytes_max, const Error& error);
  std::size_t read_bytes_max() const noexcept;
  void read_rest(std::size_t already);
  void end();

  bool may_write() const noexcept { return !is_terminated_ && !has_failed_ && !is_writing_; }
  std::size_t write_batch(std::span<const Bytes> pieces, Error& error);
  void begin_write(PendingWrite& write);
  void on_room(const Error& error, std::size_t size, PendingWrite& write);
  void begin_download(int unsent_bytes_max);

  void fail(const Error& error);
  void on_aborted();
  void check_halted();

  LoopCore& loop_;
  StreamObserver* observer_ = nullptr;
  mutable LoopSocket socket_;  // its native_handle() is not const

  bool is_reading_ : 1 = false;  // a read is pending
  bool is_resting_ : 1 = false;  // read_loop() will be called
  bool is_probing_ : 1 = false;  // the pending read has been cancelled
  bool is_paused_ : 1 = false;
  bool is_halting_ : 1 = false;      // on_halted() is to come
  bool has_overflowed_ : 1 = false;  // the last read was more than fits into own_
  bool takes_much_ : 1 = false;      // it was full, and did not make the connection pause
  bool has_ended_ : 1 = false;       // the peer's FIN, or an error, has been delivered
  bool has_failed_ : 1 = false;      // an error has been delivered
  bool is_writing_ : 1 = false;      // a write, or a wait for room, is pending
  bool is_download_ : 1 = false;     // it has been given much at a time
  bool is_terminated_ : 1 = false;
  bool is_finish_pending_ : 1 = false;

  // The largest small request of each protocol: 64 bytes and a header. With the flags before it,
  // the link is a whole number of words.
  std::array<char, 78> own_;
};

}  // namespace fairlead
