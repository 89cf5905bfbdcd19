#include "common/io/work_pool.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/background_thread.hpp"

namespace fairlead {

namespace asio = boost::asio;

struct WorkPool::Threads {
  explicit Threads(std::size_t count) : context(static_cast<int>(count)) {}
  ~Threads() { stop(); }

  void stop() {
    context.stop();
    for (std::thread& thread : running) thread.join();
    running.clear();
  }

  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> stays{context.get_executor()};
  std::vector<std::thread> running;
};

WorkPool::WorkPool(std::size_t threads) : threads_(std::make_unique<Threads>(threads)) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_->running.push_back(
        start_background_thread([&context = threads_->context] { context.run(); }));
}

WorkPool::~WorkPool() = default;

void WorkPool::post(std::function<void()> work) { asio::post(threads_->context, std::move(work)); }

void WorkPool::stop() { threads_->stop(); }

}  // namespace fairlead
