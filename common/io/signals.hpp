// Signals as events of a loop.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "common/io/loop.hpp"

namespace fairlead {

// Used on its loop's thread.
class Signals {
 public:
  // Calls `on_signal` in a turn for each of `numbers` that comes, until destroyed.
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal);
  ~Signals();

  // Waits no longer, so that the loop can end.
  void stop();

 private:
  struct Waiting;
  std::unique_ptr<Waiting> waiting_;
};

}  // namespace fairlead
