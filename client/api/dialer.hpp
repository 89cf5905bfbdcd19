// From an address as users write it to a connection: the name is resolved, and its addresses are
// tried as "Happy Eyeballs" has it (RFC 8305).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "client/api/client_shard.hpp"
#include "client/api/failure.hpp"
#include "common/net/network.hpp"

namespace fairlead {

struct DialSettings {
  AddressFamily family = AddressFamily::any;
  std::optional<PeerAddress> source = {};  // connect from here; addresses of the other family are
                                           // left out. Its port is 0
  std::uint32_t receive_buffer_bytes = 0;  // as in ConnectSettings
  Duration timeout{10'000};                // for all of it; 0: as long as the kernel tries
};

struct Dialed {
  std::unique_ptr<ByteStream> stream;
  Destination destination;  // the address that answered first
};

using DialResult = tl::expected<Dialed, Failure>;

// The addresses of a name that can be connected to from `source`, in the order in which they are
// tried: that of the resolver, but with the families taking turns (RFC 8305, section 4).
tl::expected<std::vector<PeerAddress>, Failure> addresses_to_try(
    const Result<Resolved>& answer, const std::optional<PeerAddress>& source);

// One attempt at a time; may be used again after it. Used in turns of its shard; destroying it
// cancels.
class Dialer {
 public:
  // The next address is tried after this long without an answer, or at once after a refusal
  // (RFC 8305, section 5: the Connection Attempt Delay).
  static constexpr Duration kAttemptDelay{250};

  Dialer(ClientShard& shard, Network& network);

  // An empty host is this machine. `done` is called once, never within this call; it may dial again
  // or destroy the dialer.
  void dial(const Endpoint& server, const DialSettings& settings,
            std::function<void(DialResult)> done);
  void cancel();

 private:
  struct Attempt {
    Destination destination;
    std::unique_ptr<Pending> pending;
    std::error_code error;
  };

  void on_resolved(const Result<Resolved>& answer);
  void try_next();
  void on_connected(std::size_t index, Connected connected);
  void on_deadline();
  void finish(DialResult result);
  Failure all_failed() const;

  ClientShard& shard_;
  Network& network_;
  Endpoint server_;
  DialSettings settings_;
  std::function<void(DialResult)> done_;
  std::unique_ptr<Pending> resolving_;
  std::vector<Attempt> attempts_;  // [0, begun_) have been begun
  std::size_t begun_ = 0;
  ShardTimer next_attempt_;
  ShardTimer deadline_;
};

}  // namespace fairlead
