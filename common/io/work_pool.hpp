// Threads for work that may wait for a disk or compute for long, beside the loops.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace fairlead {

// Threads that run one queue of work, in the order in which it is posted. No signal handler runs on
// them. Owned by one thread; work may be posted from any.
class WorkPool {
 public:
  // Throws std::system_error when a thread cannot be had; none is left running then.
  explicit WorkPool(std::size_t threads);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // `work` does not throw. After stop() it is dropped.
  void post(std::function<void()> work);

  // Returns when no work runs; what waits is dropped.
  void stop();

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
};

}  // namespace fairlead
