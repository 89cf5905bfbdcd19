// A few threads for the work of file services that may wait for a disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/io/work_pool.hpp"

namespace fairlead {

// Shared by all shards. Jobs begin in the order in which they come; those that take long have
// threads of their own, so that no name ever waits for a hash, and they take turns.
class FilePool {
 public:
  enum class Length : std::uint8_t { quick, takes_long };

  // True: it wants another turn, behind the jobs that wait. Does not throw.
  using Job = std::function<bool()>;

  // Begins the threads, unless they run. Throws std::system_error when one cannot be had. Before
  // any job.
  void start();

  // From any thread. False: there are too many jobs, or the pool does not run; this one will not be
  // run.
  bool submit(Length length, Job job);

  // Returns when no job runs; those that wait are dropped. What jobs refer to may go afterwards.
  void stop();

 private:
  struct Queue {
    const std::size_t jobs_max;
    std::atomic<std::size_t> jobs{0};  // that wait or run
    std::optional<WorkPool> threads{};
  };

  static void run(Queue& queue, std::shared_ptr<Job> job);

  std::atomic<bool> running_{false};
  // A name each; some thousand clients may ask at the same moment.
  Queue quick_{.jobs_max = 8192};
  // Each may read a whole file: a client that asks beyond this many had better ask again later.
  Queue long_{.jobs_max = 256};
};

}  // namespace fairlead
