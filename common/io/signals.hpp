// Signals as events of a loop.
#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "common/io/loop.hpp"

namespace fairlead {

struct SignalEvent {
  int number = 0;
  bool has_sender = false;  // false: the kernel sent it, as it does for Ctrl-C
  pid_t sender_pid = 0;     // 0: a process that is not seen from here
  uid_t sender_uid = 0;

  std::string name() const;  // "TERM"
};

// Used on its loop's thread. A number belongs to one of these at a time.
class Signals {
 public:
  // Calls `on_signal` in a turn for each of `numbers` that comes, in their order, until destroyed.
  Signals(Loop& loop, std::initializer_list<int> numbers,
          std::function<void(const SignalEvent&)> on_signal);
  // What the signals did before is in force again.
  ~Signals();

  // Waits no longer, so that the loop can end. What comes later is dropped.
  void stop();

 private:
  struct Waiting;
  std::unique_ptr<Waiting> waiting_;
};

}  // namespace fairlead
