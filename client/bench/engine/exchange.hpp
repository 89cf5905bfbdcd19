// One exchange with a server as bytes, to show what a load test would send.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/bench/stats/bench_time.hpp"
#include "client/bench/stats/tally.hpp"
#include "client/bench/workload/load.hpp"

namespace fairlead {

struct ExchangeEvent {
  enum class Kind : std::uint8_t {
    connecting,  // to `where`
    connected,
    failed,    // to connect; `where` says why
    sent,      // handed to the kernel, or about to be
    received,  // one delivery
    ended,     // the server has ended its sending side
    broken,    // the network, or the server, has broken the connection off
    closed,    // by us
  };

  Kind kind = Kind::connecting;
  BenchTime at{};
  std::string where = {};
  std::uint64_t offset = 0;    // sent, received: of the first byte in its direction
  std::string bytes = {};      // sent, received
  std::uint64_t not_kept = 0;  // further bytes in its direction
};

// `load` reduced to one connection and one operation, as soon as possible.
Load one_exchange_of(const Load& load);

// The events in order, a line or a dump each, with the time since the first. Safe to print.
std::string exchange_text(const std::vector<ExchangeEvent>& events);

// Whether the reply is as expected, in one line without full stop; a wrong reply is not described.
std::string exchange_outcome(const Load& load, const Tally& tally);

}  // namespace fairlead
