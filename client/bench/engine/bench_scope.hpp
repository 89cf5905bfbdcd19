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

class BenchConnection;

// Called by the connections, in turns.
class BenchConnectionOwner {
 public:
  // Its first attempt to connect has ended, well or not.
  virtual void on_tried() = 0;

  // It could send more at once, and lets others send first: call its resume() in another turn.
  virtual void resume_later(BenchConnection& connection) = 0;

  // It has something to do; later: it has begun all that is due, or may begin no more, and waits
  // for nothing. The two alternate.
  virtual void on_busy() = 0;
  virtual void on_settled() = 0;

 protected:
  ~BenchConnectionOwner() = default;
};

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
  BenchConnectionOwner& owner;
  std::mt19937_64 random;  // of the back-offs
  BenchPhase phase = BenchPhase::opening;
  BenchTime begin = BenchTime::max();  // of the load
  std::optional<FileSeen> first_download = {};
  std::string scratch = {}, scratch_of_other = {};  // of messages, while one call lasts

  std::uint16_t channel() const noexcept { return plan.load.service.empty() ? 0 : kServiceChannel; }
};

}  // namespace fairlead
