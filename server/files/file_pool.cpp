#include "server/files/file_pool.hpp"

#include <utility>

#include "common/base/background_thread.hpp"

namespace fairlead {
namespace {

// Disks answer several questions at a time; hashes are bound by the processor.
constexpr int kQuickThreads = 4;
constexpr int kLongThreads = 2;

}  // namespace

bool FilePool::submit(Length length, std::function<void()> job) {
  Queue& queue = length == Length::quick ? quick_ : long_;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue.jobs.size() >= queue.jobs_max) return false;
    if (threads_.empty()) begin_threads();
    queue.jobs.push_back(std::move(job));
  }
  queue.some.notify_one();
  return true;
}

void FilePool::begin_threads() {
  const auto start = [this](int count, Queue& queue) {
    for (int i = 0; i < count; ++i)
      threads_.push_back(start_background_thread([this, &queue] { work(queue); }));
  };
  start(kQuickThreads, quick_);
  start(kLongThreads, long_);
}

void FilePool::work(Queue& queue) {
  std::unique_lock lock(mutex_);
  for (;;) {
    queue.some.wait(lock, [&] { return stopped_ || !queue.jobs.empty(); });
    if (stopped_) return;
    {
      const std::function<void()> job = std::move(queue.jobs.front());
      queue.jobs.pop_front();
      lock.unlock();
      job();
    }
    lock.lock();
  }
}

void FilePool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  quick_.some.notify_all();
  long_.some.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  quick_.jobs.clear();
  long_.jobs.clear();
}

}  // namespace fairlead
