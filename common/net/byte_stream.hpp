// A connection as the pure parts see it: bytes both ways, and how it ends. It queues nothing and
// knows no protocol. Implemented by common/io's Link for sockets and by the fakes of the tests; a
// decorator such as TLS is a ByteStream around a ByteStream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/file_part.hpp"
#include "common/base/time.hpp"

namespace fairlead {

// How the network ended a connection by itself.
enum class StreamError : std::uint8_t {
  reset,     // ECONNRESET, EPIPE: the peer is there and wants no more
  vanished,  // ETIMEDOUT, EHOSTUNREACH, ...: the peer, or the way to it, is gone
  failed,    // anything else: ENOBUFS, EIO, ...
};

// Takes the events of one ByteStream, each within a turn of the loop that owns it. None arrives
// after on_finished.
class StreamObserver {
 public:
  // What has arrived; the view dies when the call returns. May come once more after pause().
  virtual void on_bytes(Bytes bytes) = 0;
  // The peer has ended its sending side; no on_bytes follows.
  virtual void on_end() = 0;
  // The answer to probe(): nothing had arrived.
  virtual void on_silence() = 0;
  // The answer to write_later(): the kernel has taken `size` bytes of what it was given, and has
  // room again. Never called from within another call to the stream.
  virtual void on_written(std::size_t size) = 0;
  // The network ended the connection. terminate() is left to call, and probe(); writes are ignored.
  // Behind a failed write, on_bytes may still bring what had come.
  virtual void on_error(StreamError error) = 0;
  // terminate() is complete and every pending operation has come back: the stream may be destroyed
  // after the turn.
  virtual void on_finished() = 0;
  // The answer to halt().
  virtual void on_halted() {}

 protected:
  ~StreamObserver() = default;
};

enum class TerminateManner : std::uint8_t {
  quiet,  // close(2): what the kernel has taken still goes out
  reset,  // the peer gets an RST
  leave,  // another process goes on with the connection, which notices nothing; behind on_halted()
};

// Owned by its connection. Every call is made on the thread of the loop that owns it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Begins to read. The observer outlives the stream. May fail at once: on_error within the call.
  virtual void start(StreamObserver& observer) = 0;

  // Offers `pieces` to the kernel at once, in order, and returns how many bytes it took: fewer than
  // all, also none, where it has no room. Takes none while write_later() is pending. An error is
  // reported by on_error within the call.
  virtual std::size_t write_some(std::span<const Bytes> pieces) = 0;

  // The same for a part of a file, which the kernel reads itself (sendfile(2)). Nothing where the
  // stream cannot do this: read the file and use write_some().
  virtual std::optional<std::size_t> write_file(const FilePart& part) {
    static_cast<void>(part);
    return std::nullopt;
  }

  // Writes some of `pieces` as soon as the kernel has room and answers by on_written. Without
  // pieces it waits for room only. At most one is pending. The bytes stay where they are until the
  // answer, or until on_finished.
  virtual void write_later(std::span<const Bytes> pieces) = 0;

  // Ends our sending side (FIN) now. Not while write_later() is pending with pieces.
  virtual void shut_down() = 0;

  virtual void pause() = 0;  // stops reading; the kernel's window closes by itself
  virtual void resume() = 0;

  // Looks whether anything has arrived that has not been delivered: on_bytes, on_end or on_error if
  // so, else on_silence. The answer may come within the call. Works while paused. Not from within
  // on_bytes, whose view it may overwrite. Behind on_error: on_bytes if a failed write hid that
  // they had come, else on_silence.
  virtual void probe() = 0;

  // Closes the descriptor. on_finished follows exactly once, never within this call, and nothing
  // else does, whatever has arrived or is pending. Later calls change nothing.
  virtual void terminate(TerminateManner manner) = 0;

  // How long what the kernel has taken may stay unacknowledged before it gives the peer up
  // (TCP_USER_TIMEOUT, tcp(7)); 0: as long as it likes. Nothing where the stream is not TCP.
  virtual void set_user_timeout(Duration time) { static_cast<void>(time); }

  // Bytes that the kernel has taken and the peer has not acknowledged (SIOCOUTQ, tcp(7)); 0 where
  // that is unknown. A system call: ask before a slow reader is judged, not for each message.
  virtual std::uint32_t unacknowledged_bytes() const { return 0; }

  // ---- For another process that is to go on with the connection.

  // -1: there is none that would be enough to go on.
  virtual int descriptor() const { return -1; }

  // Where there is a descriptor: pauses, and takes back what is pending. on_halted() follows,
  // within the call or later, behind on_bytes and on_written for what had been taken already; where
  // that was nothing of a write, on_written(0). After it the stream touches nothing before
  // resume(), a write or terminate(). None follows resume(), an error or terminate().
  virtual void halt() {}
};

}  // namespace fairlead
