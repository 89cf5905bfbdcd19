// Tells when a descriptor that is not ours, such as stdin, has something to read.
#pragma once

#include <functional>
#include <memory>

#include "common/io/loop.hpp"

namespace fairlead {

// Used on its loop's thread. The descriptor is neither closed nor made non-blocking: a terminal is
// shared with the shell and with our own stdout, and so is that flag.
class Readable {
 public:
  Readable(Loop& loop, int descriptor);
  ~Readable();

  // Calls `ready` once, in a turn, when read(2) would not block: data, the end or an error. A
  // second call replaces the first.
  void wait(std::function<void()> ready);
  void cancel();

 private:
  struct Waiting;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace fairlead
