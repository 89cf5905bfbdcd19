// One exchange with a server as bytes, to show what a load test would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/stats/bench_time.hpp"
#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/load.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// `load` reduced to one connection and one operation, as soon as possible.
Load one_exchange_of(const Load& load);

// Whether the reply is as expected, in one line without full stop; a wrong reply is not described.
std::string exchange_outcome(const Load& load, const Tally& tally);

// Between a client and its network: writes down what goes over its connections. Used on the
// network's thread. The network, and whoever uses the connections, are given what they would be
// given without it. Outlives the use of its connections, not their destruction.
class ExchangeTrace final : public Network {
 public:
  // In each direction. What follows is counted only.
  static constexpr std::size_t kKeptBytes = 4096;

  ExchangeTrace(Network& network, BenchClock& clock) : network_(network), clock_(clock) {}

  // The events in order, a line or a dump each, with the time since the first. Safe to print.
  std::string text() const;

  // There is a connection, and neither side has ended it.
  bool is_connected() const noexcept { return is_connected_; }

  // Network.
  std::unique_ptr<Pending> resolve(const std::string& host, std::uint16_t port,
                                   AddressFamily family,
                                   std::function<void(Result<Resolved>)> done) override;
  std::unique_ptr<Pending> connect(const Destination& destination, const ConnectSettings& settings,
                                   std::function<void(Connected)> done) override;

 private:
  class Traced;

  // What has gone one way, in all.
  struct Way {
    std::string_view what;
    std::string_view mark;  // at the front of its rows
    std::uint64_t bytes = 0;
    std::size_t last_event = 0;
  };
  struct Event {
    BenchTime at;
    std::string what;
    const Way* way = nullptr;    // bytes have gone this way: handed to the kernel, or one delivery
    std::uint64_t offset = 0;    // of the first byte in its direction
    std::string bytes = {};      // those that are kept
    std::uint64_t not_kept = 0;  // further bytes in its direction
  };

  void note(std::string_view what, const Way* way = nullptr);
  void note_bytes(Way& way, Bytes bytes);
  void note_end(std::string_view what);

  Network& network_;
  BenchClock& clock_;
  std::vector<Event> events_;
  Way sent_{.what = "sent ", .mark = "> "}, received_{.what = "received ", .mark = "< "};
  bool is_connected_ = false;
};

}  // namespace fairlead
