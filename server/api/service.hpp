// The contract between the core and what the daemon does for its clients. A new service is one file
// in server/services that stands on this folder and on nothing else of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/net/endpoint.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"
#include "common/text/encoding.hpp"
#include "server/api/body_source.hpp"

namespace fairlead {

// One message as a service gets it. Lives as long as the on_message call.
struct Message {
  Bytes payload;      // as it came, without the line end or the frame around it
  Encoding encoding;  // what the payload is taken for
  FrameType type;     // message, or a request for files
};

// What a service may keep for one peer; destroyed when its channel closes.
class PeerState {
 public:
  virtual ~PeerState() = default;

  // Whether the peer could go on in another process without it, as an upgrade asks.
  virtual bool is_dispensable() const noexcept { return false; }
};

// One dialogue with a client: a plain client has one, a framed client one per channel. Owned by its
// conversation, valid from on_open until on_close; called on the shard's thread only, from within a
// call of its Service or of a BodySource of it, and for that peer. After close() every call but the
// questions is ignored.
class Peer {
 public:
  // Answers the message being handled: bytes as they are, or UTF-8 text in the client's encoding.
  // The reply ends as the message did. A second reply to the same message goes out as a message of
  // its own.
  virtual void reply(Bytes payload) = 0;
  virtual void reply_text(std::string_view utf8) = 0;

  // Puts off the reply to the message being handled. The number names it in the calls below, later
  // within on_message or from on_writable. Until it is answered a plain client's next message
  // waits, and so does the end of a client that leaves. A framed client with kUnansweredMax pending
  // replies is not read from.
  virtual std::uint32_t defer() = 0;
  virtual void answer(std::uint32_t request, FrameType type, Bytes payload) = 0;
  // A frame before the answer.
  virtual void answer_part(std::uint32_t request, FrameType type, Bytes payload) = 0;
  // In place of the answer. Framed clients get an ERROR frame; the others have no place for one,
  // and their connection ends instead.
  virtual void refuse(std::uint32_t request, RequestError error, std::string_view sentence) = 0;

  // Sends a body before the answer: raw to a plain client, which then gets nothing else but the
  // end, in DATA frames to the others. The body gives the answer itself. One at a time.
  virtual void send_body(std::uint32_t request, std::unique_ptr<BodySource> body) = 0;

  // Asks for one call of on_writable, or of the body's next(), in a turn in which nothing waits to
  // be sent to this client. May be asked from any call that belongs to the shard's turn.
  virtual void call_when_writable() noexcept = 0;

  // The message being handled breaks the protocol: the connection ends once no reply is pending.
  // `problem` is a literal.
  virtual void reject(const char* problem) = 0;

  // Ends the dialogue once what was said has left: a channel above 0 by itself, else the whole
  // connection. The peer's state may be gone when this returns.
  virtual void close(CloseReason reason) = 0;

  // Cuts the connection by a reset at the end of the turn, the only way to tell a plain client that
  // bytes are missing.
  virtual void cut(CloseReason reason) = 0;

  virtual bool is_open() const noexcept = 0;
  virtual bool is_plain() const = 0;  // a text client: raw bytes, no frames
  virtual const PeerAddress& address() const = 0;
  virtual PeerAddress told_address() const = 0;  // for a log or a transcript (`log.peer`)
  virtual std::uint64_t connection_id() const = 0;

  // The message in UTF-8. The view lives until the next call of this function on any peer of the
  // shard.
  virtual std::string_view text_of(const Message& message) = 0;

  std::unique_ptr<PeerState> state;  // the service's own; null until it sets one

 protected:
  ~Peer() = default;
};

// One instance per shard and [service.NAME], so it needs no lock. An exception ends the connection
// that caused it; one out of on_time, which is no connection's, is logged.
class Service {
 public:
  virtual ~Service() = default;

  virtual void on_open(Peer&) {}
  virtual void on_message(Peer& peer, const Message& message) = 0;
  virtual void on_writable(Peer&) {}  // the answer to call_when_writable
  virtual void on_close(Peer&, CloseReason) noexcept {}
  // The answer to ServiceClock::wake_at. Every other client waits meanwhile: do a short piece of
  // work, and wake at now() for the next.
  virtual void on_time() {}

  // True for a service that takes requests for files.
  virtual bool has_files() const noexcept { return false; }
};

}  // namespace fairlead
