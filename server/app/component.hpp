// What every part of the daemon has in common that is started and stopped with it.
#pragma once

#include "server/app/outcome.hpp"

namespace fairlead {

// The daemon starts its components in the order of its list, and drains and stops them in reverse.
// Everything is called on the main thread, which runs the first shard's loop.
class Component {
 public:
  virtual ~Component() = default;

  // Before the first loop runs. After a failure the daemon stops every component.
  virtual Outcome<> start() { return {}; }

  // The daemon has begun to stop; its sessions are still served. In a turn of the first loop.
  virtual void begin_drain() {}

  // Ends whatever keeps a loop or a thread running. Called once: in a turn of the first loop when
  // no session is left; after a second signal or a failed start, while that loop does not run.
  virtual void stop() {}
};

}  // namespace fairlead
