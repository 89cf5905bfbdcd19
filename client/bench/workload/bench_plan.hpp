// A load test, worked out: what its connections look up while they run.
#pragma once

#include <cstdint>
#include <optional>

#include "client/bench/workload/arrivals.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_source.hpp"
#include "client/bench/workload/source_addresses.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Constant once made. The operations of the run are dealt to the connections in turn: number n is
// one of connection n % connections. So which one sends what needs no agreement between threads,
// and is the same in every run. A pattern is matched faster if each thread has a plan of its own.
class BenchPlan {
 public:
  // Throws SettingError.
  BenchPlan(const Load& load, const Destination& server);

  const Load load;
  const Destination server;
  const SourceAddresses sources;
  const MessageSource messages;
  const Expectation expectation;
  const std::optional<Arrivals> arrivals;  // in an open loop
  const ConnectionSettings connection;     // the load's, but for replies that are told apart by
                                           // their length: deliveries as they come
  const std::uint64_t operations;          // of the run; 2^64 - 1: only time ends it

  // How many of the operations are this connection's.
  std::uint64_t operations_of(std::uint32_t index) const noexcept;

  MessageKey key(std::uint32_t index, std::uint64_t of_connection) const noexcept {
    return {of_connection * load.connections + index, index, of_connection};
  }

  const bool connects_each;                  // each operation has a connection of its own
  const bool has_message;                    // an operation sends one
  const std::uint64_t uses_of_a_connection;  // operations, until it is replaced

  // All connections are made before the load begins; else each is loaded as soon as it is made.
  bool opens_first() const noexcept {
    return !connects_each && (load.is_open_loop() || load.ramp == BenchDuration::zero());
  }

  // When, from the beginning of the opening, or where there is none of the load.
  BenchDuration opens_at(std::uint32_t index) const noexcept;
};

}  // namespace fairlead
