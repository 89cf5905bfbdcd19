// The common state of the connections of one thread of a load test.
#pragma once

#include <optional>
#include <random>
#include <string>

#include "client/api/client.hpp"
#include "client/bench/engine/bench_recorder.hpp"
#include "client/bench/stats/bench_time.hpp"
#include "client/bench/workload/bench_plan.hpp"
#include "common/hash/sha256.hpp"
#include "common/net/network.hpp"

namespace fairlead {

class BenchWorker;

enum class BenchPhase : std::uint8_t {
  opening,   // connections are made, nothing is sent
  loading,   // operations are begun
  draining,  // nothing is begun; replies are waited for
};

// A file as it was downloaded.
struct FileSeen {
  std::uint64_t bytes = 0;
  Sha256::Digest digest{};
};

// Owned by the worker, which outlives its connections.
struct BenchScope {
  const BenchPlan& plan;
  ClientShard& shard;
  Network& network;
  BenchClock& clock;
  BenchRecorder& recorder;
  BenchWorker& owner;
  std::mt19937_64 random;  // of the back-offs
  BenchPhase phase = BenchPhase::opening;
  BenchTime begin = BenchTime::max();  // of the load
  std::optional<FileSeen> first_download = {};
  std::string scratch = {}, scratch_of_other = {};  // of messages, while one call lasts

  std::uint16_t channel() const noexcept { return plan.load.service.empty() ? 0 : kServiceChannel; }
};

}  // namespace fairlead
