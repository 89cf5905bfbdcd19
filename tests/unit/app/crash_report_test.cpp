// Each in a process of its own, which crashes.
#include "server/app/crash_report.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

// Sanitizers report crashes in their own way.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIRLEAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIRLEAD_SANITIZED 1
#endif
#endif

namespace fairlead {
namespace {

#ifndef FAIRLEAD_SANITIZED

volatile int zero = 0;

int use_up_stack(volatile char* above) {
  volatile char frame[4096];
  frame[0] = *above;
  if (frame[0] != 0) return 0;
  return use_up_stack(frame) + frame[zero];
}

// The rest of the process has threads of its own.
struct CrashReportDeathTest : testing::Test {
  CrashReportDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(CrashReportDeathTest, AFaultIsToldWithItsAddressAndEndsAsItWouldHave) {
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        *reinterpret_cast<volatile char*>(0x10) = 1;
      },
      testing::KilledBySignal(SIGSEGV),
      "^fairleadd: crashed: signal=SEGV address=0x10 version=1\\.2\\.3( build_id=[0-9a-f]+)?; "
      "please report this, with the backtrace below\n.*unit_app\\(\\+0x[0-9a-f]+\\)");
}

TEST_F(CrashReportDeathTest, AnAbortIsToldAndEndsAsOne) {
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "crashed: signal=ABRT sender_pid=");
}

TEST_F(CrashReportDeathTest, ASignalFromOutsideEndsItToo) {
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        ::kill(::getpid(), SIGFPE);
        for (;;) ::pause();
      },
      testing::KilledBySignal(SIGFPE), "crashed: signal=FPE sender_pid=");
}

TEST_F(CrashReportDeathTest, AStackOverflowIsToldOnEveryThreadThatHasAStackForIt) {
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        volatile char top = 0;
        use_up_stack(&top);
      },
      testing::KilledBySignal(SIGSEGV), "crashed: signal=SEGV");
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        std::thread([] {
          const CrashStack stack;
          volatile char top = 0;
          use_up_stack(&top);
        }).join();
      },
      testing::KilledBySignal(SIGSEGV), "crashed: signal=SEGV");
}

TEST_F(CrashReportDeathTest, AStderrThatNobodyReadsDoesNotKeepIt) {
  EXPECT_EXIT(
      {
        report_crashes("1.2.3");
        int ends[2];
        if (::pipe(ends) != 0) std::_Exit(1);
        ::dup2(ends[1], STDERR_FILENO);
        ::alarm(60);
        const std::string much(1 << 16, 'x');
        static_cast<void>(!::write(STDERR_FILENO, much.data(), much.size()));
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "");
}

TEST_F(CrashReportDeathTest, AHandlerThatIsThereIsLeftAlone) {
  EXPECT_EXIT(
      {
        ::signal(SIGSEGV, [](int) { ::_exit(7); });
        report_crashes("1.2.3");
        ::raise(SIGSEGV);
      },
      testing::ExitedWithCode(7), "");
}

#endif

}  // namespace
}  // namespace fairlead
