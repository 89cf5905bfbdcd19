#include "server/files/file_pool.hpp"

#include <utility>

namespace fairlead {
namespace {

// Disks answer several questions at a time; hashes are bound by the processor.
constexpr std::size_t kQuickThreads = 4;
constexpr std::size_t kLongThreads = 2;

}  // namespace

void FilePool::start() {
  quick_.threads.emplace(kQuickThreads);
  long_.threads.emplace(kLongThreads);
  running_ = true;
}

bool FilePool::submit(Length length, std::function<void()> job) {
  Queue& queue = length == Length::quick ? quick_ : long_;
  if (!running_) return false;
  if (++queue.waiting > queue.waiting_max) {
    --queue.waiting;
    return false;
  }
  queue.threads->post([&queue, job = std::move(job)] {
    --queue.waiting;
    job();
  });
  return true;
}

void FilePool::stop() {
  running_ = false;
  for (Queue* queue : {&quick_, &long_})
    if (queue->threads) queue->threads->stop();
}

}  // namespace fairlead
