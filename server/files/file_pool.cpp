#include "server/files/file_pool.hpp"

#include <utility>

namespace fairlead {
namespace {

// Disks answer several questions at a time; hashes are bound by the processor.
constexpr std::size_t kQuickThreads = 4;
constexpr std::size_t kLongThreads = 2;

}  // namespace

void FilePool::start() {
  if (running_) return;
  quick_.threads.emplace(kQuickThreads);
  long_.threads.emplace(kLongThreads);
  running_ = true;
}

bool FilePool::submit(Length length, Job job) {
  Queue& queue = length == Length::quick ? quick_ : long_;
  if (!running_) return false;
  if (++queue.jobs > queue.jobs_max) {
    --queue.jobs;
    return false;
  }
  run(queue, std::make_shared<Job>(std::move(job)));
  return true;
}

void FilePool::run(Queue& queue, std::shared_ptr<Job> job) {
  queue.threads->post([&queue, job = std::move(job)] {
    if ((*job)()) return run(queue, job);
    --queue.jobs;
  });
}

void FilePool::stop() {
  running_ = false;
  for (Queue* queue : {&quick_, &long_})
    if (queue->threads) queue->threads->stop();
}

}  // namespace fairlead
