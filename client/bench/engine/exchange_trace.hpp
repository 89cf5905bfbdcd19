// Between a client and its network: writes down what goes over its connections.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "client/bench/engine/exchange.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Used on the network's thread. The network, and whoever uses the connections, are given what they
// would be given without it. Outlives the use of its connections, not their destruction.
class ExchangeTrace final : public Network {
 public:
  // Of each direction. What follows is counted only.
  static constexpr std::size_t kKeptBytes = 4096;

  ExchangeTrace(Network& network, BenchClock& clock) : network_(network), clock_(clock) {}

  const std::vector<ExchangeEvent>& events() const noexcept { return events_; }

  // There is a connection, and neither side has ended it.
  bool is_connected() const noexcept { return is_connected_; }

  // Network.
  std::unique_ptr<Pending> resolve(const std::string& host, std::uint16_t port,
                                   AddressFamily family,
                                   std::function<void(Resolved)> done) override;
  std::unique_ptr<Pending> connect(const Destination& destination,
                                   const std::optional<PeerAddress>& source,
                                   std::function<void(Connected)> done) override;

 private:
  class Traced;
  using Kind = ExchangeEvent::Kind;

  // What has gone one way, in all.
  struct Way {
    std::uint64_t bytes = 0;
    std::size_t last_event = 0;
  };

  void note(Kind kind, std::string where = {});
  void note_bytes(Kind kind, Bytes bytes);
  void note_end(Kind kind);

  Network& network_;
  BenchClock& clock_;
  std::vector<ExchangeEvent> events_;
  Way sent_, received_;
  bool is_connected_ = false;
};

}  // namespace fairlead
