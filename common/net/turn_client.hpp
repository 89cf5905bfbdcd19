// The contract between a loop and the shard that it drives: common/io knows nothing of the server,
// and a simulation can be the loop.
#pragma once

#include <optional>

#include "common/base/time.hpp"

namespace fairlead {

// Every entry into a shard is part of a turn: begin_turn, the work of one or several events,
// end_turn. Called on the loop's thread only.
class TurnClient {
 public:
  // Time is read once per turn, here.
  virtual void begin_turn(TimePoint now) = 0;

  // Does what has become due. Called within a turn.
  virtual void on_timer() = 0;

  // Does one piece of the work that earlier turns have deferred, so that the bursts of some clients
  // do not hold up the others. True: there is another piece for this turn. Called within a turn.
  virtual bool run_deferred() = 0;

  // One write per connection, however many messages were queued; then frees what is finished. True:
  // call run_deferred() in a turn of its own, after whatever else the loop has waiting.
  virtual bool end_turn() = 0;

  // When on_timer has something to do next.
  virtual std::optional<TimePoint> next_due() const = 0;

 protected:
  ~TurnClient() = default;
};

}  // namespace fairlead
