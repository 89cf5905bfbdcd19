// A few threads for the work of file services that may wait for a disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "common/io/work_pool.hpp"

namespace fairlead {

// Shared by all shards. Jobs begin in the order in which they come; those that take long have
// threads of their own, so that no name ever waits for a hash. A job does not throw.
class FilePool {
 public:
  enum class Length : std::uint8_t { quick, takes_long };

  // Begins the threads. Throws std::system_error when one cannot be had. Before any job.
  void start();

  // From any thread. False: too many jobs wait, or the pool does not run; the job will not be run.
  bool submit(Length length, std::function<void()> job);

  // A job that takes long looks at this now and then.
  bool is_stopping() const noexcept { return !running_; }

  // Returns when no job runs; those that wait are dropped. What jobs refer to may go afterwards.
  void stop();

 private:
  struct Queue {
    const std::size_t waiting_max;
    std::atomic<std::size_t> waiting{0};
    std::optional<WorkPool> threads{};
  };

  std::atomic<bool> running_{false};
  // A name each; some thousand clients may ask at the same moment.
  Queue quick_{.waiting_max = 8192};
  // Each may read a whole file: a client that asks beyond this many had better ask again later.
  Queue long_{.waiting_max = 256};
};

}  // namespace fairlead
