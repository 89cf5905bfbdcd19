// Readable on descriptors that belong to others: pipes and files.
#include "common/io/readable.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/integration/loop_thread.hpp"
#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

class ReadableTest : public testing::Test {
 protected:
  ReadableTest() {
    int ends[2];
    EXPECT_EQ(0, ::pipe2(ends, O_CLOEXEC));
    near = std::make_unique<Socket>(ends[0]);
    far = std::make_unique<Socket>(ends[1]);
    watch(near->get());
  }
  ~ReadableTest() override {
    thread.call([this] { readable.reset(); });
  }

  void watch(int descriptor) {
    thread.call(
        [this, descriptor] { readable = std::make_unique<Readable>(thread.loop(), descriptor); });
  }
  void wait() {
    thread.call([this] { readable->wait([this] { told.change([](int& times) { ++times; }); }); });
  }
  bool was_told(int times = 1) {
    return told.wait_until([times](int now) { return now == times; });
  }
  void write_byte() { ASSERT_EQ(1, ::write(far->get(), "x", 1)); }

  LoopThread thread;
  std::unique_ptr<Socket> near, far;
  std::unique_ptr<Readable> readable;
  Watched<int> told;
};

TEST_F(ReadableTest, TellsOfBytesThatCameBeforeAndOfThoseThatComeLater) {
  write_byte();
  wait();
  ASSERT_TRUE(was_told(1));
  char byte = 0;
  ASSERT_EQ(1, ::read(near->get(), &byte, 1));
  wait();
  EXPECT_EQ(1, told.now());
  write_byte();
  EXPECT_TRUE(was_told(2));
}

TEST_F(ReadableTest, TellsOfTheEnd) {
  wait();
  far->close();
  EXPECT_TRUE(was_told());
}

TEST_F(ReadableTest, AFileCanAlwaysBeRead) {
  const Socket file(::memfd_create("file", MFD_CLOEXEC));
  watch(file.get());
  wait();
  EXPECT_TRUE(was_told());
}

TEST_F(ReadableTest, TheDescriptorStaysBlocking) {
  wait();
  EXPECT_EQ(0, ::fcntl(near->get(), F_GETFL) & O_NONBLOCK);
  write_byte();
  ASSERT_TRUE(was_told());
  EXPECT_EQ(0, ::fcntl(near->get(), F_GETFL) & O_NONBLOCK);
}

TEST_F(ReadableTest, CancelledItDoesNotTell) {
  wait();
  thread.call([this] { readable->cancel(); });
  write_byte();
  thread.call([this] {
    readable->wait([this] { told.change([](int& times) { times += 10; }); });
    readable->cancel();  // though it has been posted
  });
  for (int i = 0; i < 100; ++i) thread.call([] {});
  EXPECT_EQ(0, told.now());
}

TEST(ReadableLoopTest, AReleasedLoopRunsUntilTheWaitIsOver) {
  EmptyTurns turns;
  int ends[2];
  ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
  const Socket near(ends[0]);
  Socket far(ends[1]);
  Loop loop;
  loop.drive(turns);
  Readable readable(loop, near.get());
  bool told = false;
  readable.wait([&told] { told = true; });
  loop.release();
  std::thread peer([&far] { far.close(); });
  loop.run();
  peer.join();
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace fairlead
