#include "common/io/work_pool.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

namespace fairlead {
namespace {

TEST(WorkPool, RunsWorkInTheOrderInWhichItWasPosted) {
  std::vector<int> order;
  std::promise<void> done;
  WorkPool pool(1);
  for (int i = 0; i < 5; ++i) pool.post([&order, i] { order.push_back(i); });
  pool.post([&done] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TEST(WorkPool, RunsAsMuchAtATimeAsItHasThreads) {
  constexpr std::size_t kThreads = 3;
  std::atomic<std::size_t> running{0};
  std::promise<void> all_run;
  std::shared_future<void> released = all_run.get_future().share();
  WorkPool pool(kThreads);
  for (std::size_t i = 0; i < kThreads; ++i)
    pool.post([&] {
      if (++running == kThreads) all_run.set_value();
      EXPECT_EQ(released.wait_for(std::chrono::minutes(1)), std::future_status::ready);
    });
  EXPECT_EQ(released.wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST(WorkPool, KeepsSignalsFromItsThreads) {
  std::promise<bool> blocked;
  WorkPool pool(1);
  pool.post([&blocked] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(::sigismember(&mask, SIGTERM) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
}

TEST(WorkPool, WaitsForTheWorkThatRunsWhenItStops) {
  std::promise<void> begun;
  std::promise<void> may_end;
  bool has_ended = false;
  WorkPool pool(1);
  pool.post([&] {
    begun.set_value();
    may_end.get_future().wait();
    has_ended = true;
  });
  begun.get_future().wait();
  std::thread releasing([&may_end] { may_end.set_value(); });
  pool.stop();
  EXPECT_TRUE(has_ended);
  releasing.join();
}

TEST(WorkPool, RunsNothingAfterItHasStopped) {
  bool has_run = false;
  {
    WorkPool pool(1);
    pool.stop();
    pool.post([&has_run] { has_run = true; });
  }
  EXPECT_FALSE(has_run);
}

}  // namespace
}  // namespace fairlead
