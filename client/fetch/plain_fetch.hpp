// A download from a server of the tutorials' protocol: the name out, bytes in until the end of the
// stream. The size is unknown; only a reset shows that bytes are missing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/api/client.hpp"
#include "client/fetch/fetch_target.hpp"
#include "client/fetch/rate_limit.hpp"

namespace fairlead {

struct PlainOutcome {
  Failure failure = {};      // kind none: the stream came to its end
  std::string problem = {};  // what the target said; empty: nothing
  std::uint64_t bytes = 0;   // that came
  bool timed_out = false;
};

// Used in turns of its shard. The references outlive it. Destroyed in `done` or after it.
class PlainFetch final : private ClientObserver {
 public:
  struct Settings {
    ClientSettings client = {};  // text, with the boundary `none`
    Duration silence{30'000};    // nothing comes for so long; 0: never
    bool shutdown = true;        // end our side behind the name
  };

  // `name`: the bytes to send. `done` is called once, in a turn.
  PlainFetch(ClientShard& shard, Network& network, const Settings& settings, std::string name,
             FetchTarget& target, RateLimit& rate, std::function<void(const PlainOutcome&)> done);

  void begin() { client_.open(); }
  void stop() { client_.close(); }
  std::uint64_t bytes() const noexcept { return outcome_.bytes; }

 private:
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;
  void wait_for_more();

  ClientShard& shard_;
  const Settings& settings_;
  std::string name_;
  FetchTarget& target_;
  RateLimit& rate_;
  ShardTimer resume_;  // read again
  std::function<void(const PlainOutcome&)> done_;
  Client client_;
  PlainOutcome outcome_;
};

}  // namespace fairlead
