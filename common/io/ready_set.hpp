// Which of one thread's descriptors can be read or written. Included by common/io only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fairlead {

// Is told that its descriptor is ready.
class Watcher {
 public:
  // `events` as of epoll_wait(2): what was asked for, and EPOLLERR and EPOLLHUP unasked. Called
  // again as long as it holds. Within a turn.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

// A level-triggered epoll set that Asio watches as one descriptor, so that the connections cost
// neither an operation each nor a read that finds nothing (docs/decisions/0007). Used on its loop's
// thread.
class ReadySet {
 public:
  explicit ReadySet(boost::asio::io_context& context);

  // Adds, changes or (events = 0) removes what `watcher` waits for, which was `before` until now.
  // 0, or an errno of epoll_ctl(2): EPERM for a file, ENOMEM, ENOSPC.
  int watch(int descriptor, std::uint32_t before, std::uint32_t events, Watcher& watcher);

  // The descriptor is about to be closed, which removes it.
  void forget(std::uint32_t before, Watcher& watcher);

  bool empty() const noexcept { return watched_ == 0; }

  // Calls `done(error_code)` once something is ready.
  template <class Done>
  void async_wait(Done&& done) {
    descriptor_.async_wait(Descriptor::wait_read, std::forward<Done>(done));
  }
  void cancel();

  // Collects what is ready, a batch of it, once everyone of the last batch has been told; how many
  // there are to tell. A batch is no more than the last one could tell in one dispatch(): whoever
  // is collected waits, and is better left to the kernel's order.
  std::size_t collect();
  // Nobody of the batch has been told yet.
  bool is_fresh() const noexcept { return next_ == 0; }
  // Tells the watchers of the batch, but stops soon after `until`: the others come first next time.
  // How many have been told.
  std::size_t dispatch(std::chrono::steady_clock::time_point until);

 private:
  using Descriptor =
      boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  // One turn's worth, where each takes little, and where each takes much.
  static constexpr std::size_t kBatchMost = 32, kBatchLeast = 4;

  Descriptor descriptor_;
  std::size_t watched_ = 0;
  std::array<epoll_event, kBatchMost> batch_;
  std::size_t batch_max_ = kBatchMost;
  std::size_t batch_size_ = 0;
  std::size_t next_ = 0;  // of the batch, to be told
};

}  // namespace fairlead
