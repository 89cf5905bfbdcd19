#include "common/io/ready_set.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace fairlead {
namespace {

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw std::system_error(errno, std::generic_category(),
                            "cannot wait for events: epoll_create1");
  return set;
}

}  // namespace

ReadySet::ReadySet(boost::asio::io_context& context) : descriptor_(context, make_set()) {}

int ReadySet::watch(int descriptor, std::uint32_t before, std::uint32_t events, Watcher& watcher) {
  if (events == before) return 0;
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &watcher;
  const int change = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (::epoll_ctl(descriptor_.native_handle(), change, descriptor, &wanted) != 0) return errno;
  if (before == 0) ++watched_;
  if (events == 0) forget(before, watcher);
  return 0;
}

// Of a batch that is being told, some may end others.
void ReadySet::forget(std::uint32_t before, Watcher& watcher) {
  if (before == 0) return;
  --watched_;
  for (std::size_t i = next_; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == &watcher) batch_[i].data.ptr = nullptr;
  }
}

void ReadySet::cancel() {
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
}

std::size_t ReadySet::collect() {
  if (next_ < batch_size_) return batch_size_ - next_;
  const int count =
      ::epoll_wait(descriptor_.native_handle(), batch_.data(), static_cast<int>(batch_max_), 0);
  batch_size_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  next_ = 0;
  return batch_size_;
}

std::size_t ReadySet::dispatch(std::chrono::steady_clock::time_point until) {
  const bool is_first = is_fresh();
  // Four looks at the clock a full batch keep to the time.
  const std::size_t look_every = batch_max_ / kBatchLeast;
  std::size_t told = 0;
  while (next_ < batch_size_) {
    const epoll_event& event = batch_[next_++];
    if (event.data.ptr == nullptr) continue;
    static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
    if (++told % look_every == 0 && std::chrono::steady_clock::now() >= until) break;
  }
  if (is_first && next_ < batch_size_) {
    batch_max_ = std::clamp(told, kBatchLeast, batch_max_);
  } else if (is_first && batch_size_ == batch_max_) {
    batch_max_ = std::min(batch_max_ + 1, kBatchMost);
  }
  return told;
}

}  // namespace fairlead
