// The pure half of the write loop, over a stream whose kernel has little room.
#include "common/net/output_queue.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_stream.hpp"

namespace fairlead {
namespace {

// Does for the queue what a connection does.
class Writer final : public StreamObserver {
 public:
  explicit Writer(FakeConditions conditions) : wire(conditions), stream(wire.make_stream()) {
    stream->start(*this);
  }
  ~Writer() {
    stream->terminate(TerminateManner::quiet);
    wire.run_event();
  }

  void flush() { queue.flush(*stream); }
  void take(std::size_t bytes) {
    wire.take(bytes);
    while (wire.has_event()) wire.run_event();
  }

  BufferPool pool;
  OutputQueue queue{pool};
  FakeConnection wire;
  std::unique_ptr<ByteStream> stream;

 private:
  void on_bytes(Bytes) override {}
  void on_end() override {}
  void on_silence() override {}
  void on_written(std::size_t size) override {
    queue.on_written(size);
    flush();
  }
  void on_error(StreamError) override {}
  void on_finished() override {}
};

constexpr FakeConditions kTenBytes{.kernel_bytes_max = 10, .client_reads = false};

TEST(OutputQueue, WritesAllThatATurnHasQueuedAtOnce) {
  Writer writer({});
  for (const char* word : {"one ", "two ", "three"}) writer.queue.send(word);
  EXPECT_EQ(writer.wire.received(), "");
  writer.flush();
  EXPECT_EQ(writer.wire.received(), "one two three");
  EXPECT_EQ(writer.wire.writes(), 1U);
  EXPECT_EQ(writer.queue.written_bytes(), 13U);
  EXPECT_TRUE(writer.queue.empty());
  EXPECT_FALSE(writer.queue.is_waiting());
}

TEST(OutputQueue, WhatTheKernelRefusesFollowsWhenItHasRoom) {
  Writer writer(kTenBytes);
  const std::string text(95, 'x');
  writer.queue.send(text);
  writer.flush();
  EXPECT_EQ(writer.queue.bytes(), 85U);
  EXPECT_TRUE(writer.queue.is_waiting());
  for (int i = 0; i < 20; ++i) writer.take(5);
  EXPECT_EQ(writer.wire.received(), text);
  EXPECT_TRUE(writer.queue.empty());
  EXPECT_EQ(writer.wire.breach(), "");
}

TEST(OutputQueue, NothingOvertakesAWriteThatIsPending) {
  Writer writer(kTenBytes);
  writer.queue.send("0123456789abc");
  writer.flush();
  writer.queue.send("def");
  writer.flush();
  const Bytes past = "past";
  EXPECT_EQ(writer.queue.write_through(*writer.stream, {&past, 1}), 0U);
  for (int i = 0; i < 5; ++i) writer.take(10);
  EXPECT_EQ(writer.wire.received(), "0123456789abcdef");
  EXPECT_EQ(writer.wire.breach(), "");
}

TEST(OutputQueue, EndsOurSideBehindTheLastByteOnly) {
  Writer writer(kTenBytes);
  writer.queue.send("0123456789abc");
  writer.queue.finish();
  writer.flush();
  EXPECT_FALSE(writer.queue.is_shut_down());
  writer.take(10);
  EXPECT_TRUE(writer.queue.is_shut_down());
  writer.take(10);
  EXPECT_TRUE(writer.wire.saw_end());
  EXPECT_EQ(writer.wire.breach(), "");
}

TEST(OutputQueue, AnEndNeedsNoRoom) {
  Writer writer(kTenBytes);
  const Bytes body = "0123456789abc";
  EXPECT_EQ(writer.queue.write_through(*writer.stream, {&body, 1}), 10U);
  writer.queue.await_room(*writer.stream);
  writer.queue.finish();
  writer.flush();
  EXPECT_TRUE(writer.queue.is_shut_down());
  EXPECT_EQ(writer.wire.breach(), "");
}

TEST(OutputQueue, TellsOfRoomWithoutBytesOfItsOwn) {
  Writer writer(kTenBytes);
  const Bytes body = "0123456789abc";
  writer.queue.write_through(*writer.stream, {&body, 1});
  writer.queue.await_room(*writer.stream);
  EXPECT_TRUE(writer.queue.is_waiting());
  writer.take(1);
  EXPECT_FALSE(writer.queue.is_waiting());
  EXPECT_EQ(writer.queue.written_bytes(), 10U);
}

}  // namespace
}  // namespace fairlead
