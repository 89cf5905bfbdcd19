#include "common/base/background_thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

namespace fairlead {
namespace {

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
