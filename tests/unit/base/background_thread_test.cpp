#include "common/base/background_thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace fairlead {
namespace {

std::atomic<int> met_elsewhere = 0;
pthread_t the_one_for_signals;

bool blocks(int number) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return sigismember(&now, number) == 1;
}

TEST(BackgroundThread, BlocksWhatComesFromOutsideAndNothingElse) {
  bool asked_to_end = false, pipe = false, own_fault = true;
  start_background_thread([&] {
    asked_to_end = blocks(SIGTERM) && blocks(SIGINT) && blocks(SIGQUIT) && blocks(SIGUSR1);
    pipe = blocks(SIGPIPE);
    own_fault = blocks(SIGSEGV) || blocks(SIGBUS) || blocks(SIGABRT);
  }).join();
  EXPECT_TRUE(asked_to_end);
  EXPECT_TRUE(pipe);
  EXPECT_FALSE(own_fault);
  EXPECT_FALSE(blocks(SIGTERM)) << "the thread that started it";
}

// The first instructions of a thread that only then blocks them are met by some in most runs.
TEST(BackgroundThread, MeetsNoneOfAStormOfSignals) {
  the_one_for_signals = ::pthread_self();
  struct sigaction act {};
  struct sigaction before {};
  act.sa_handler = [](int) {
    if (::pthread_equal(::pthread_self(), the_one_for_signals) == 0) ++met_elsewhere;
  };
  ASSERT_EQ(::sigaction(SIGUSR1, &act, &before), 0);
  for (int i = 0; i < 200; ++i) {
    std::thread thread = start_background_thread([] {});
    for (int signals = 0; signals < 20; ++signals) ::kill(::getpid(), SIGUSR1);
    thread.join();
  }
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(met_elsewhere, 0);
}

TEST(BlockSignals, HoldsForTheCallingThread) {
  bool blocked = false;
  std::thread([&blocked] {
    block_signals();
    blocked = blocks(SIGINT) && blocks(SIGTERM);
  }).join();
  EXPECT_TRUE(blocked);
}

}  // namespace
}  // namespace fairlead
