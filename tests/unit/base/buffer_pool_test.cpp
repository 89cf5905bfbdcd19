#include "common/base/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace fairlead {
namespace {

// A block that goes back to its pool.
class Block {
 public:
  Block(BufferPool& pool, std::size_t bytes_min)
      : pool_(&pool), data_(pool.acquire(bytes_min, capacity_)) {}
  Block(Block&& other) noexcept
      : pool_(other.pool_),
        capacity_(other.capacity_),
        data_(std::exchange(other.data_, nullptr)) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(capacity_, other.capacity_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Block() { reset(); }

  void reset() {
    if (data_ != nullptr) pool_->release(std::exchange(data_, nullptr), capacity_);
  }
  char* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }

 private:
  BufferPool* pool_;
  std::size_t capacity_ = 0;
  char* data_;
};

TEST(BufferPool, RoundsUpToPowersOfTwoOfTheHeap) {
  const std::pair<std::size_t, std::size_t> expected[] = {
      {0, 248},       {1, 248},       {248, 248},     {249, 504},
      {504, 504},     {505, 1016},    {1017, 2040},   {2041, 4088},
      {4088, 4088},   {4089, 8184},   {8185, 16376},  {16377, 32760},
      {32761, 65528}, {65528, 65528}, {65529, 65529}, {1 << 20, 1 << 20}};
  BufferPool pool;
  for (const auto& [bytes_min, capacity] : expected) {
    EXPECT_EQ(BufferPool::capacity_for(bytes_min), capacity) << bytes_min;
    EXPECT_EQ(Block(pool, bytes_min).capacity(), capacity) << bytes_min;
  }
}

TEST(BufferPool, HandsOutTheLastReleasedBlockFirst) {
  BufferPool pool;
  Block first = Block(pool, 1000);
  Block second = Block(pool, 1000);
  const char* const first_data = first.data();
  const char* const second_data = second.data();
  first.reset();
  second.reset();
  first = Block(pool, 1000);
  second = Block(pool, 1000);
  EXPECT_EQ(first.data(), second_data);
  EXPECT_EQ(second.data(), first_data);
}

TEST(BufferPool, NeverHandsOutABlockOfAnotherClass) {
  BufferPool pool;
  const char* const small = Block(pool, 248).data();
  const Block large = Block(pool, 249);
  EXPECT_NE(large.data(), small);
  EXPECT_EQ(pool.bytes_kept(), 248u);
}

TEST(BufferPool, KeepsNoMoreThanItsCap) {
  BufferPool pool(5000);
  std::vector<Block> buffers;
  for (int i = 0; i < 3; ++i) buffers.push_back(Block(pool, 4088));
  for (int i = 0; i < 3; ++i) buffers.push_back(Block(pool, 248));
  EXPECT_EQ(pool.bytes_in_use(), 3 * 4088u + 3 * 248u);
  EXPECT_EQ(pool.bytes_kept(), 0u);
  buffers.clear();
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  EXPECT_EQ(pool.bytes_kept(), 4088u + 3 * 248u);
}

TEST(BufferPool, KeepsExactlyItsCap) {
  BufferPool pool(1016);
  Block(pool, 1016).reset();
  EXPECT_EQ(pool.bytes_kept(), 1016u);
  const Block again = Block(pool, 1016);
  EXPECT_EQ(pool.bytes_kept(), 0u);
}

TEST(BufferPool, GivesBlocksAboveTheLargestClassBackToTheHeap) {
  BufferPool pool;
  Block buffer = Block(pool, BufferPool::kLargest + 1);
  EXPECT_EQ(pool.bytes_in_use(), BufferPool::kLargest + 1);
  buffer.reset();
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  EXPECT_EQ(pool.bytes_kept(), 0u);
}

TEST(BufferPool, BlocksInUseNeverOverlap) {
  std::mt19937 random(20261121);
  BufferPool pool(100'000);
  struct Held {
    Block buffer;
    char mark;
  };
  std::vector<Held> held;
  std::size_t in_use = 0;
  const auto check = [](const Held& block) {
    for (std::size_t i = 0; i < block.buffer.capacity(); ++i) {
      if (block.buffer.data()[i] != block.mark) return false;
    }
    return true;
  };
  for (int step = 0; step < 3000; ++step) {
    if (held.empty() || (held.size() < 40 && random() % 2 == 0)) {
      const std::size_t bytes = random() % (random() % 8 == 0 ? 70'000u : 2'000u);
      held.push_back({Block(pool, bytes), static_cast<char>(random())});
      const Held& block = held.back();
      ASSERT_GE(block.buffer.capacity(), bytes);
      std::memset(block.buffer.data(), block.mark, block.buffer.capacity());
      in_use += block.buffer.capacity();
    } else {
      const std::size_t index = random() % held.size();
      ASSERT_TRUE(check(held[index])) << "step " << step;
      in_use -= held[index].buffer.capacity();
      held[index] = std::move(held.back());
      held.pop_back();
    }
    ASSERT_EQ(pool.bytes_in_use(), in_use);
    ASSERT_LE(pool.bytes_kept(), 100'000u);
  }
}

TEST(BufferPoolDeathTest, EndsTheProgramWhenABlockOutlivesIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        std::size_t capacity = 0;
        BufferPool pool;
        pool.acquire(1, capacity);
      },
      "bytes_in_use_ == 0");
}

#if defined(__SANITIZE_ADDRESS__)
TEST(BufferPoolDeathTest, PoisonsWhatIsReleased) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        BufferPool pool;
        Block buffer = Block(pool, 4088);
        volatile char* const data = buffer.data();
        buffer.reset();
        data[100] = 1;
      },
      "use-after-poison");
}
#endif

}  // namespace
}  // namespace fairlead
