// The event loop of a command, with its clients and sockets.
#pragma once

#include <functional>
#include <optional>

#include "client/api/client_shard.hpp"
#include "common/io/connector.hpp"
#include "common/io/loop.hpp"
#include "common/io/signals.hpp"

namespace fairlead {

// Owned by a command.
class CommandLoop {
 public:
  // `on_interrupt` is called, in a turn, for Ctrl-C and TERM, and for HUP unless whoever started
  // the program had it ignored (nohup).
  explicit CommandLoop(std::function<void()> on_interrupt);

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
  std::function<void(const SignalEvent&)> on_signal_;
  Signals signals_;
  std::optional<Signals> hang_up_;
};

}  // namespace fairlead
