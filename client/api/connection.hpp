// One conversation with a server over one ByteStream, in any of the three protocols. Sans-IO.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/api/client_shard.hpp"
#include "client/api/failure.hpp"
#include "client/api/reply_codec.hpp"
#include "common/net/output_queue.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/limits.hpp"
#include "common/text/client_encoding.hpp"

namespace fairlead {

enum class Protocol : std::uint8_t { text, len32, framed };

// framed: the channel of a service that was opened. The default service has channel 0.
inline constexpr std::uint16_t kServiceChannel = 1;

struct ConnectionSettings {
  Protocol protocol = Protocol::text;
  std::uint32_t message_bytes_max = kMessageBytesCeiling;  // of what the server may send; >= 4
  ReplySettings reply = {};                                // text: where a reply is complete
  LineEnd line_end = LineEnd::none;                        // text: what send() appends
  EncodingSettings encoding = {};  // text: what helps to keep characters whole
  std::string name = "fairlead";   // framed: what our HELLO says, at most 255 bytes
  std::string service = {};        // framed: opened on kServiceChannel; empty: the default one

  // framed: of the service.
  std::uint16_t channel() const noexcept { return service.empty() ? 0 : kServiceChannel; }
};

// What a framed server says first (docs/protocol.md, HELLO).
struct ServerHello {
  std::uint16_t version = 0;
  std::uint16_t channels_max = 0;
  std::uint32_t message_bytes_max = 0;  // of what the server takes
  std::string name = {};
  std::string default_service = {};
  std::vector<std::string> services = {};  // what OPEN may name
};

// Told in turns of the shard; may call anything of the connection from within.
class ConnectionObserver {
 public:
  // From here on requests may be sent: at once for text and len32; for framed after its HELLO, and
  // once the service is open.
  virtual void on_ready() = 0;

  // What the server sent. text, len32: type message, channel 0, request id 0. framed: every frame
  // but HELLO, PING and unknown ones. The payload dies when the call returns.
  virtual void on_frame(const Frame& frame) = 0;

  // What one read has brought, or a silence has completed, has been told, and ended nothing.
  virtual void on_delivered() {}

  // The kernel had refused bytes, and has now taken all of them.
  virtual void on_drained() {}

  // The last call. FailureKind::none: the server ended it in order, or we did. The connection may
  // be destroyed from within.
  virtual void on_ended(const Failure& failure) = 0;

 protected:
  ~ConnectionObserver() = default;
};

// Owned by whoever made it; used in turns of its shard; destroyed in on_ended or after it, or once
// the loop runs no more. The settings, the shard and the observer outlive it.
//
// Invariant: ready -> requests can be sent; ended -> nothing more reaches the observer.
class ServerConnection final : private StreamObserver, private FrameSink {
 public:
  // What may wait of answers to PINGs: far more than one read can ask for. A server that asks on
  // and takes nothing would fill our memory.
  static constexpr std::size_t kPongBytesQueuedMax = 256 * std::size_t{1024};

  ServerConnection(ClientShard& shard, const ConnectionSettings& settings,
                   std::unique_ptr<ByteStream> stream, ConnectionObserver& observer);
  ~ServerConnection();

  // Begins. text and len32 are ready within this call.
  void start();

  // Sends one message. framed: returns its request id, by which REPLY or ERROR will name it; else
  // 0. What is sent leaves at the end of the turn, in one write.
  std::uint32_t send(Bytes payload, std::uint16_t channel = 0);

  // framed: sends a frame of any type; with a fresh request id where `numbered`. Returns the id.
  std::uint32_t send_frame(FrameType type, std::uint16_t channel, Bytes payload, bool numbered);

  // framed: OPEN of a service on a channel that is free. Answered by OPENED or ERROR.
  std::uint32_t open(std::string_view service, std::uint16_t channel) {
    return send_frame(FrameType::open, channel, service, true);
  }

  // framed: answered by PONG with the same payload, at most kPingBytesMax.
  void ping(Bytes payload) { send_frame(FrameType::ping, 0, payload, false); }

  // Hands what was sent to the kernel now, and not at the end of the turn behind other connections.
  void flush();

  // For the shard, at the end of the turn.
  void flush_at_end() {
    is_dirty_ = false;
    flush();
  }

  // Reads no more until resume(); what has been read may still be delivered. A server that goes on
  // sending is stalled by its kernel.
  void pause();
  void resume();

  // Ends our sending side once everything queued has left; replies still arrive. What is sent
  // behind it is dropped, PONGs among it.
  void finish_sending();

  // Ends it now. on_ended follows with `why`, not within this call.
  void close(Failure why = {}) { end(std::move(why)); }

  // text: what has come of a reply that is not complete, when there is no use in waiting for the
  // rest: its time is up, or the connection broke (then it is called in on_ended). Not from within
  // on_frame.
  std::string take_fragment();

  // Nothing has ended it yet, this call's caller included.
  bool is_open() const noexcept { return !ending_ && !is_broken_; }
  const std::optional<ServerHello>& hello() const noexcept { return hello_; }
  // Sent, but not taken by the kernel; behind the end, what it never took.
  std::size_t queued_bytes() const noexcept { return output_.bytes(); }
  // Taken by the kernel of this machine, and not acknowledged by that of the server; of a unix
  // socket, not read. 0 behind the end.
  std::uint32_t unacknowledged_bytes() const {
    return ending_ ? 0 : stream_->unacknowledged_bytes();
  }
  std::uint64_t sent_bytes() const noexcept { return output_.written_bytes(); }
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }

 private:
  // StreamObserver.
  void on_bytes(Bytes bytes) override;
  void on_end() override;
  void on_silence() override;
  void on_written(std::size_t size) override;
  void on_error(StreamError error) override;
  void on_finished() override;

  // FrameSink.
  Flow on_frame(const Frame& frame) override;

  void on_framed(const Frame& frame);
  void on_ping(const Frame& ping);
  void on_hello(Bytes payload);
  void on_opened(const Frame& answer);
  void on_goodbye(Bytes payload);
  void decoded(const DecodeResult& result);
  void watch_silence();
  void encode(const Frame& frame);
  void flush_later();
  void end(Failure failure);

  ClientShard& shard_;
  const ConnectionSettings& settings_;
  std::unique_ptr<ByteStream> stream_;
  OutputQueue output_;
  ConnectionObserver& observer_;
  ClientEncoding encoding_;
  std::unique_ptr<Codec> codec_;
  std::optional<ServerHello> hello_;
  ShardTimer silence_;
  Failure failure_;  // why it ends; sent by on_finished
  std::uint64_t received_bytes_ = 0;
  std::size_t pong_bytes_ = 0;  // sent since the queue was last seen empty
  std::uint32_t last_request_id_ = 0;
  std::uint32_t open_id_ = 0;  // of the OPEN that has no answer yet
  bool is_dirty_ = false;      // it is flushed at the end of the turn
  bool is_broken_ = false;     // the network ended it; what had come before is still read
  bool ending_ = false;
};

// Nothing when the payload of a HELLO of a server is malformed. More may follow in later versions.
std::optional<ServerHello> read_hello(Bytes payload);

// What ERROR and CLOSE carry: a number and a sentence, as a failure of this kind. told is none for
// a number that we do not know.
Failure read_reason(FailureKind kind, Bytes payload);

}  // namespace fairlead
