// Takes sessions out of the shards, for another process.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "server/app/shard_threads.hpp"
#include "server/handover/giver.hpp"

namespace fairlead {

// Asks one shard after the other, so that the sessions of a batch are all of one. Used in turns of
// the first loop.
class Departures {
 public:
  explicit Departures(ShardThreads& shards) : shards_(shards) {}

  // Another process may take all of them.
  void begin();

  using Done = std::function<void(std::vector<Departing>)>;
  // Halts sessions that can go, at most so many; not while it collects. `done` is called once, in a
  // turn of the first loop. None: no shard has one that can go. Each is settled behind that.
  void collect(std::size_t sessions_max, Done done);
  bool is_collecting() const noexcept { return done_ != nullptr; }

  void settle(const std::vector<Departed>& sessions);

 private:
  void ask();
  void on_collected(std::vector<Departing> sessions);

  ShardThreads& shards_;
  std::size_t shard_ = 0;  // that is asked, or of whose sessions the last batch was
  std::size_t asked_ = 0;  // in this collection, and had none
  std::size_t sessions_max_ = 0;
  Done done_;
};

}  // namespace fairlead
