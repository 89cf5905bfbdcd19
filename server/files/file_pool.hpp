// A few threads for work that may wait for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fairlead {

// Shared by all shards. Begins its threads with the first job, ends them in stop().
// Jobs begin in the order in which they come; those that take long have threads of their own, so
// that no name ever waits for a hash. A job does not throw.
class FilePool {
 public:
  enum class Length : std::uint8_t { quick, takes_long };

  FilePool() = default;
  ~FilePool() { stop(); }
  FilePool(const FilePool&) = delete;
  FilePool& operator=(const FilePool&) = delete;

  // From any thread. False: too many are waiting, or it has stopped; the job will not be run.
  bool submit(Length length, std::function<void()> job);

  // A job that takes long looks at this now and then.
  bool is_stopping() const noexcept { return stopped_; }

  // Returns when no job runs; those that wait are dropped. What jobs refer to may go afterwards.
  void stop();

 private:
  struct Queue {
    std::deque<std::function<void()>> jobs;
    std::condition_variable some;
    const std::size_t jobs_max;
  };

  void begin_threads();
  void work(Queue& queue);

  std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  // A name each; some thousand clients may ask at the same moment.
  Queue quick_{.jobs = {}, .some = {}, .jobs_max = 8192};
  // Each may read a whole file: who comes so late had better ask again.
  Queue long_{.jobs = {}, .some = {}, .jobs_max = 256};
  std::vector<std::thread> threads_;
};

}  // namespace fairlead
