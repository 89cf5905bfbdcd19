// A client of one server: dials, talks, and dials again where that is wanted. The way into this
// library; docs/examples/client has an example program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "client/api/backoff.hpp"
#include "client/api/client_shard.hpp"
#include "client/api/connection.hpp"
#include "client/api/dialer.hpp"
#include "client/api/failure.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Whether a client connects again, and how long it waits before.
struct ReconnectSettings {
  // What a new connection is made after.
  enum class When : std::uint8_t {
    never,
    until_connected,  // only while no connection has been made: nothing is ever sent twice
    always,           // also when a connection is lost
  };

  When when = When::never;
  std::uint32_t retries_max = 0;  // attempts in a row; 0: without end
  Backoff::Settings waits = {};   // between two attempts
  std::uint64_t seed = 0;         // of the random part of the waits
};

// Everything that a client is told before it begins.
struct ClientSettings {
  Endpoint server = {};                // where it connects; a name is resolved for each attempt
  DialSettings dial = {};              // how a connection is made
  ConnectionSettings connection = {};  // what is spoken on it
  ReconnectSettings reconnect = {};    // whether a lost one is replaced
};

// What a client reports. Every call comes in a turn of the shard, and may call anything of the
// client.
class ClientObserver {
 public:
  // Connected to `destination`, and requests may be sent.
  virtual void on_ready(const Destination& destination) = 0;

  // A frame of the server, as ConnectionObserver::on_frame.
  virtual void on_frame(const Frame& frame) = 0;
  // Everything that was sent has left, as ConnectionObserver::on_drained.
  virtual void on_drained() {}

  // The time set with Client::set_deadline has come.
  virtual void on_deadline() {}

  // The server was not reached, or the connection was lost; the client dials again after `wait`.
  // What was queued is gone.
  virtual void on_retry(const Failure& failure, Duration wait) {
    static_cast<void>(failure);
    static_cast<void>(wait);
  }

  // The client has ended and will not try again. The last call; it may destroy the client.
  virtual void on_ended(const Failure& failure) = 0;

 protected:
  ~ClientObserver() = default;
};

// Owned by its maker; used in turns of its shard (ClientShard), on one thread. The shard, the
// network, the settings and the observer outlive it. It is destroyed in or after on_ended, or once
// the loop has stopped.
class Client final : private ConnectionObserver {
 public:
  // Does nothing until open().
  Client(ClientShard& shard, Network& network, const ClientSettings& settings,
         ClientObserver& observer);
  ~Client();

  // Dials the server; on_ready or on_ended follows.
  void open();

  // The connection, from on_ready until on_retry or on_ended; else null.
  ServerConnection* connection() noexcept { return is_ready_ ? connection_.get() : nullptr; }

  // Protocol text: the part of an incomplete reply that has come (ServerConnection::take_fragment).
  // May be called in on_retry and on_ended, but not in on_frame.
  std::string take_fragment() { return connection_ ? connection_->take_fragment() : std::string(); }

  // One deadline for whatever the caller waits for; on_deadline answers. A second call replaces the
  // first; kNever cancels.
  void set_deadline(TimePoint at);

  // A PONG proves that the server is there, and for so many times the timeout of watch_silence()
  // that it may still answer. Within ten times the default of the commands a disk that reads
  // 110 MB/s has hashed all that one answer holds.
  static constexpr int kPatience = 10;

  // The same for a framed server that may be slow to answer, as one that hashes a large file:
  // on_deadline comes when nothing has been received for `timeout`, although half of it ago a PING
  // was sent; or when for kPatience times as long nothing but PONGs has come, which on_frame is not
  // told of. Begins anew with each call. 0: never. Only while there is a connection.
  void watch_silence(Duration timeout);

  // Reads no more until then. The time before it is no silence.
  void pause_until(TimePoint until);

  // Ends the client, whatever it is doing. on_ended follows with FailureKind::none, not within this
  // call.
  void close();

 private:
  // ConnectionObserver.
  void on_ready() override;
  void on_frame(const Frame& frame) override;
  void on_drained() override { observer_.on_drained(); }
  void on_ended(const Failure& failure) override;

  void dial();
  void on_dialed(DialResult dialed);
  void on_timer();
  void on_silence_timer();
  void listen();
  void on_failure(const Failure& failure);
  bool will_retry(const Failure& failure) const;
  void end(const Failure& failure);

  ClientShard& shard_;
  const ClientSettings& settings_;
  ClientObserver& observer_;
  Dialer dialer_;
  Backoff backoff_;
  Destination destination_;
  std::unique_ptr<ServerConnection> connection_;
  // The next step by itself, of which there is one at a time: the end after close(), the end of the
  // time for HELLO and OPENED, or the next attempt.
  ShardTimer timer_;
  ShardTimer deadline_;
  ShardTimer resume_;
  Duration silence_max_{};         // of watch_silence(); 0: the deadline is the caller's own
  std::uint64_t heard_bytes_ = 0;  // received when silence was last looked for
  std::uint64_t pong_bytes_ = 0;   // of them, since then
  TimePoint progress_at_{};        // when something else had last come
  bool is_pinged_ = false;
  TimePoint paused_until_{};
  TimePoint ready_since_ = kNever;
  std::uint32_t retries_ = 0;
  bool is_connected_ = false;
  bool is_ready_ = false;  // and requests may be sent
  bool was_ready_ = false;
  bool closing_ = false;
};

}  // namespace fairlead
