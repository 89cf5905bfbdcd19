// The contract between the core and what the daemon does for its clients. A new service is one file
// in server/services that stands on this folder and on nothing else of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/file_part.hpp"
#include "common/net/endpoint.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// One message as a service gets it. Lives as long as the on_message call.
struct Message {
  Bytes payload;      // as it came, without the line end or the frame around it
  Encoding encoding;  // what the payload is taken for
  FrameType type;     // message, or a request for files
};

// What a service may keep for one peer; destroyed with its channel.
class PeerState {
 public:
  virtual ~PeerState() = default;
};

// One conversation: a plain client has one, a framed client one per channel. Owned by its session,
// valid from on_open until on_close; called on the shard's thread only, from within a call of its
// Service. Whichever peer that call is for, a pushing service may push() to every peer it has; all
// else is for the peer at hand. After close() every call but the questions is ignored.
class Peer {
 public:
  // Answers the message being handled: bytes as they are, or UTF-8 text in the client's encoding.
  // The answer ends as the message did. A second answer to the same message goes out as a message
  // of its own.
  virtual void reply(Bytes payload) = 0;
  virtual void reply_text(std::string_view utf8) = 0;

  // Says something without being asked: bytes as they are, or UTF-8 text. Nobody is closed within
  // the call, so a service may walk its peers with it; who has fallen too far behind loses it (see
  // Service::pushes).
  virtual void push(Bytes payload) = 0;
  virtual void push_text(std::string_view utf8) = 0;

  // Puts off the answer to the message being handled; the number is what it is given by, later
  // within on_message or from on_writable. Until then a plain client's next message waits, and so
  // does the end of a client that leaves. Above kUnansweredMax a framed client is not read from.
  virtual std::uint32_t defer() = 0;
  virtual void answer(std::uint32_t request, FrameType type, Bytes payload) = 0;
  virtual void answer_part(std::uint32_t request, FrameType type, Bytes payload) = 0;

  // In place of an answer that was put off. Framed clients get an ERROR frame; the others have no
  // place for one, and their connection ends instead.
  virtual void refuse(std::uint32_t request, CloseReason code, std::string_view why) = 0;

  // Gives a part of a file to the kernel, past the queue: raw to a plain client, which then gets
  // nothing else but the end, in DATA frames to the others. How many of the bytes are on their way;
  // the rest is offered again when there is room.
  virtual std::size_t offer(std::uint32_t request, Bytes bytes) = 0;
  // The same for a plain client, without reading the file. What is not taken is not on its way.
  virtual std::size_t offer_file(const FilePart& part) = 0;
  // It was not taken for want of room; on_writable can be had when there is some. If not: the file
  // cannot be sent without reading it.
  virtual bool awaits_room() const noexcept = 0;

  // Asks for one call of on_writable, in a turn in which nothing waits to be sent to this client.
  // May be asked from any call that belongs to the shard's turn.
  virtual void call_when_writable() noexcept = 0;

  // The message being handled breaks the protocol: the connection ends once it owes no answer.
  // `problem` is a literal.
  virtual void reject(const char* problem) = 0;

  // Ends the conversation once what was said has left: a channel above 0 by itself, else the whole
  // connection.
  virtual void close(CloseReason reason) = 0;

  // Cuts the connection by a reset, the only way to tell a plain client that bytes are missing.
  virtual void cut(CloseReason reason) = 0;

  virtual bool is_open() const noexcept = 0;
  virtual bool is_plain() const = 0;  // a text client: raw bytes, no frames
  virtual const PeerAddress& address() const = 0;
  virtual std::uint64_t connection_id() const = 0;

  // The message in UTF-8. The view lives until the next call of this function on any peer of the
  // shard.
  virtual std::string_view text_of(const Message& message) = 0;

  std::unique_ptr<PeerState> state;  // the service's own; null until it sets one

 protected:
  ~Peer() = default;
};

// One instance per shard and [service.NAME], so it needs no lock. An exception ends the session
// that caused it; one out of on_time, which is nobody's, is logged.
class Service {
 public:
  virtual ~Service() = default;

  virtual void on_open(Peer&) {}
  virtual void on_message(Peer& peer, const Message& message) = 0;
  virtual void on_writable(Peer&) {}  // the answer to call_when_writable
  virtual void on_close(Peer&, CloseReason) noexcept {}
  // The answer to ServiceClock::wake_at. Everybody else waits meanwhile: a service that speaks to
  // thousands speaks to some dozens of them, and wakes at now() for the next.
  virtual void on_time() {}

  // True for a service that speaks at any time and not only when it is asked. A client of it that
  // does not read cannot be held up by not being read from: it is a slow_consumer.
  virtual bool pushes() const noexcept { return false; }

  // True for a service that takes requests for files.
  virtual bool has_files() const noexcept { return false; }
};

}  // namespace fairlead
