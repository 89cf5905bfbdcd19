// The event loop of a command, with its clients and sockets.
#pragma once

#include <signal.h>

#include <functional>

#include "client/api/client_shard.hpp"
#include "common/io/connector.hpp"
#include "common/io/loop.hpp"
#include "common/io/signals.hpp"

namespace fairlead {

// Owned by a command.
class CommandLoop {
 public:
  // `on_interrupt` is called, in a turn, for Ctrl-C and TERM.
  explicit CommandLoop(std::function<void()> on_interrupt)
      : shard_(Loop::read_clock()),
        connector_(loop_),
        signals_(loop_, {SIGINT, SIGTERM}, [call = std::move(on_interrupt)](int) { call(); }) {
    loop_.drive(shard_);
  }

  Loop& loop() noexcept { return loop_; }
  ClientShard& shard() noexcept { return shard_; }
  Network& network() noexcept { return connector_; }

  // Does `first` in the first turn, then runs until end().
  void run(std::function<void()> first) {
    loop_.post(std::move(first));
    loop_.run();
  }
  void end() { loop_.stop(); }

 private:
  Loop loop_;
  ClientShard shard_;
  Connector connector_;
  Signals signals_;
};

}  // namespace fairlead
