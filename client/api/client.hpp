// A client of one server: dials, talks, and dials again where that is wanted. The way into this
// library; docs/client.md has an example program.
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

struct ReconnectSettings {
  enum class When : std::uint8_t {
    never,
    until_connected,  // only while no connection has been made: nothing is ever sent twice
    always,           // also when a connection is lost
  };

  When when = When::never;
  std::uint32_t retries_max = 0;  // in a row; 0: without end
  Backoff::Settings waits = {};
  std::uint64_t seed = 0;  // of the jitter
};

struct ClientSettings {
  Endpoint server = {};
  DialSettings dial = {};
  ConnectionSettings connection = {};
  ReconnectSettings reconnect = {};
};

// Told in turns of the shard; may call anything of the client from within.
class ClientObserver {
 public:
  // Connected to `destination`, and requests may be sent.
  virtual void on_ready(const Destination& destination) = 0;

  // As of ConnectionObserver.
  virtual void on_frame(const Frame& frame) = 0;
  virtual void on_drained() {}

  // The time set with Client::set_deadline has come.
  virtual void on_deadline() {}

  // Not reached, or lost; it will be dialled again after `wait`. What was queued is gone.
  virtual void on_retry(const Failure& failure, Duration wait) {
    static_cast<void>(failure);
    static_cast<void>(wait);
  }

  // It is over and will not be tried again. The last call; the client may be destroyed from within.
  virtual void on_ended(const Failure& failure) = 0;

 protected:
  ~ClientObserver() = default;
};

// Owned by whoever made it; used in turns of its shard (ClientShard), on one thread. The shard, the
// network, the settings and the observer outlive it. Destroyed in or after on_ended, or once the
// loop runs no more.
class Client final : private ConnectionObserver {
 public:
  Client(ClientShard& shard, Network& network, const ClientSettings& settings,
         ClientObserver& observer);
  ~Client();

  // Begins; on_ready or on_ended follows.
  void open();

  // The connection, from on_ready until on_retry or on_ended; else null.
  Connection* connection() noexcept { return is_ready_ ? connection_.get() : nullptr; }

  // text: what has come of a reply that is not complete (Connection::take_fragment). Also in
  // on_retry and on_ended, but not in on_frame.
  std::string take_fragment() { return connection_ ? connection_->take_fragment() : std::string(); }

  // One deadline for whatever the caller waits for. A second call replaces the first; kNever
  // cancels.
  void set_deadline(TimePoint at) { deadline_.set(at); }

  // Ends it, whatever it is doing. on_ended follows, with FailureKind::none, not within this call.
  void close();

 private:
  // ConnectionObserver.
  void on_ready() override;
  void on_frame(const Frame& frame) override { observer_.on_frame(frame); }
  void on_drained() override { observer_.on_drained(); }
  void on_ended(const Failure& failure) override;

  void dial();
  void on_dialed(Dialed dialed);
  void on_hello_timeout();
  void on_failure(const Failure& failure);
  bool will_retry(const Failure& failure) const;
  void end(const Failure& failure);

  ClientShard& shard_;
  const ClientSettings& settings_;
  ClientObserver& observer_;
  Dialer dialer_;
  Backoff backoff_;
  Destination destination_;
  std::unique_ptr<Connection> connection_;
  ShardTimer retry_;
  ShardTimer deadline_;
  ShardTimer handshake_;  // framed: HELLO has to come within the time of a dial
  ShardTimer ending_;
  TimePoint ready_since_ = kNever;
  std::uint32_t retries_ = 0;
  bool is_connected_ = false;
  bool is_ready_ = false;  // and requests may be sent
  bool was_ready_ = false;
  bool closing_ = false;
};

// framed: the channel on which a command opens a service. The default service has channel 0.
inline constexpr std::uint16_t kServiceChannel = 1;

}  // namespace fairlead
