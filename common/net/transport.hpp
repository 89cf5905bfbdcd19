// A connection as the pure parts see it: bytes both ways, and how it ends. No Asio: implemented by
// common/io's Link for sockets, by the simulation for tests, and later by TLS as a Transport around
// a Transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/base/file_part.hpp"
#include "common/protocol/codec.hpp"

namespace fairlead {

// How the network ended a connection by itself.
enum class TransportError : std::uint8_t {
  reset,     // ECONNRESET, EPIPE: the peer is there and wants no more
  vanished,  // ETIMEDOUT, EHOSTUNREACH, ...: the peer, or the way to it, is gone
  failed,    // anything else: ENOBUFS, EIO, ...
};

// Takes the events of one Transport, each within a turn of the loop that owns it. None arrives
// after on_finished.
class TransportObserver {
 public:
  // What has arrived; the view dies when the call returns. May come once more after pause().
  virtual void on_bytes(Bytes bytes) = 0;
  // The peer has ended its sending side; no on_bytes follows.
  virtual void on_end() = 0;
  // The answer to probe(): nothing had arrived.
  virtual void on_silence() = 0;
  // The kernel, after it had refused bytes, takes some again, or the FIN of finish_sending()
  // has left: look at queued_bytes() and finished_sending(). Never called from within flush().
  virtual void on_progress() = 0;
  // The network ended it. Only terminate() is left to call.
  virtual void on_error(TransportError error) = 0;
  // terminate() is complete and every pending operation has come back: the Transport may be
  // destroyed after the turn.
  virtual void on_finished() = 0;

 protected:
  ~TransportObserver() = default;
};

enum class TerminateManner : std::uint8_t {
  quiet,  // close(2): what the kernel has taken still goes out
  reset,  // the peer gets an RST
};

// Owned by its session. Every call is made on the thread of the loop that owns it.
class Transport : public ByteSink {
 public:
  virtual ~Transport() = default;

  // Begins to read. The observer outlives the Transport. May fail at once: on_error within the
  // call.
  virtual void start(TransportObserver& observer) = 0;

  // send(Bytes), of ByteSink: copies into the queue; it leaves at the next flush(). Ignored once
  // terminated.

  // Offers the whole queue to the kernel; what it does not take follows by itself as it takes more.
  virtual void flush() = 0;

  // Offers bytes to the kernel at once, past the queue: how many of them it took. 0 while anything
  // is queued; a Transport that cannot do this takes none. What goes wrong is told by the next
  // flush().
  virtual std::size_t offer(std::span<const Bytes> pieces) {
    static_cast<void>(pieces);
    return 0;
  }

  // The same for a part of a file, which the kernel reads itself (sendfile(2)). Where it has no
  // room for all of it, room is waited for: on_progress tells of it.
  virtual std::size_t offer_file(const FilePart& part) {
    static_cast<void>(part);
    return 0;
  }

  // Whether it is waited for that the kernel takes more, of the queue or of a file.
  virtual bool awaits_room() const noexcept { return queued_bytes() > 0; }

  // Asked before somebody is judged who took nothing for a time. The kernel may hold so much of
  // what is offered that a slow reader makes no room in it for long: whether a part of that has
  // left since the kernel took the last byte, or since the last call.
  virtual bool still_leaves() { return false; }

  // The rest of what was offered, for the queue. As soon as it has left more is offered, so it may
  // wait for that for a moment: a packet of a few bytes costs as much as a full one.
  virtual void send_rest(Bytes bytes) { send(bytes); }

  // Ends our sending side (FIN) as soon as everything queued has left.
  virtual void finish_sending() = 0;

  virtual void pause() = 0;  // stop reading; the kernel's window closes by itself
  virtual void resume() = 0;

  // Looks whether anything has arrived that has not been delivered: on_bytes, on_end or on_error if
  // so, else on_silence. The answer may come within the call. Works while paused. Not from within
  // on_bytes, whose view it may overwrite.
  virtual void probe() = 0;

  // Closes the descriptor. on_finished follows exactly once, never within this call. Later calls
  // change nothing.
  virtual void terminate(TerminateManner manner) = 0;

  virtual std::size_t queued_bytes()
      const noexcept = 0;  // accepted by send(), not yet by the kernel
  virtual std::size_t queued_memory() const noexcept = 0;  // what these take, in bytes
  virtual std::uint64_t sent_bytes() const noexcept = 0;   // accepted by the kernel, in all
  virtual bool finished_sending()
      const noexcept = 0;  // the FIN of finish_sending() has been given to the kernel
};

}  // namespace fairlead
