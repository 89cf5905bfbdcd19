// The read-only plan of a load test, used by its connections while they run.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "client/bench/workload/arrivals.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "client/bench/workload/expectation.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_source.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Constant once made. Operation n of the run belongs to connection n % connections: threads need
// not coordinate, and every run is the same. With a pattern, a plan for each thread is faster.
class BenchPlan {
 public:
  // `servers`: the addresses of the one server, at least one if it is to be connected to. Throws
  // SettingError.
  BenchPlan(const Load& load, std::vector<Destination> servers);

  const Load load;
  const std::vector<Destination> servers;
  const SourceAddresses sources;
  const MessageSource messages;
  const Expectation expectation;
  const std::optional<Arrivals> arrivals;  // in an open loop
  const ConnectionSettings connection;     // the load's, but for replies that are told apart by
                                           // their length: deliveries as they come
  const std::uint64_t operations;          // of the run; 2^64 - 1: only time ends it

  // The number of operations of this connection.
  std::uint64_t operations_of(std::uint32_t index) const noexcept;

  MessageKey key(std::uint32_t index, std::uint64_t of_connection) const noexcept {
    return {of_connection * load.connections + index, index, of_connection};
  }

  // Where a connection is made to and from, when it has been made so often before. Neighbours, and
  // the connections that follow each other in one place, take the addresses in turn.
  const Destination& server(std::uint32_t index, std::uint64_t openings) const noexcept {
    return servers[(index + openings) % servers.size()];
  }
  std::optional<PeerAddress> source(std::uint32_t index, std::uint64_t openings) const noexcept {
    return sources.at(index + openings);
  }

  const bool connects_each;                  // each operation has a connection of its own
  const bool has_message;                    // an operation sends one
  const std::uint64_t uses_of_a_connection;  // operations, until it is replaced

  // All connections are made before the load begins; else each is loaded as soon as it is made.
  bool opens_first() const noexcept {
    return !connects_each && (load.is_open_loop() || load.ramp == BenchDuration::zero());
  }

  // Time from the begin of the opening, or of the load if there is no opening.
  BenchDuration opens_at(std::uint32_t index) const noexcept;
};

}  // namespace fairlead
