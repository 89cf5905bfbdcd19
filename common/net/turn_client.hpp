// What a loop drives: one shard. Lets common/io know nothing of the server, and a simulation be the
// loop.
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

  // Does one piece of what earlier turns have left for this one, so that the bursts of some clients
  // do not hold up the others. True: there is another piece for this turn.
  // Called within a turn.
  virtual bool go_on() = 0;

  // One write per connection, however many messages were queued; then frees what is finished. True:
  // call go_on() in a turn of its own, after whatever else the loop has waiting.
  virtual bool end_turn() = 0;

  // When on_timer has something to do next.
  virtual std::optional<TimePoint> next_due() const = 0;

 protected:
  ~TurnClient() = default;
};

}  // namespace fairlead
