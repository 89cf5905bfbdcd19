#include "common/base/byte_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace fairlead {
namespace {

std::string random_bytes(std::mt19937& random, std::size_t count) {
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string contents(const ByteQueue& queue) {
  std::vector<Bytes> pieces(queue.size() / 1000 + 2);
  std::string all;
  const std::size_t count = queue.front(pieces);
  for (std::size_t i = 0; i < count; ++i) all += pieces[i];
  return all;
}

TEST(ByteQueue, IsSmallAndOwnsNothingWhenEmpty) {
  EXPECT_LE(sizeof(ByteQueue), 40u);
  BufferPool pool;
  ByteQueue queue(pool);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  queue.append("");
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  queue.append("abc");
  EXPECT_EQ(pool.bytes_in_use(), 4088u);
  queue.consume(3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  std::array<Bytes, 2> pieces;
  EXPECT_EQ(queue.front(pieces), 0u);
}

TEST(ByteQueue, GathersSmallAppendsIntoOnePiece) {
  BufferPool pool;
  ByteQueue queue(pool);
  for (int i = 0; i < 50; ++i) queue.append("reply\n");
  std::array<Bytes, 4> pieces;
  ASSERT_EQ(queue.front(pieces), 1u);
  EXPECT_EQ(pieces[0].size(), 300u);
}

TEST(ByteQueue, TakesAsManyBlocksAsALargeAppendNeeds) {
  std::mt19937 random(1);
  BufferPool pool;
  ByteQueue queue(pool);
  const std::string bytes = random_bytes(random, 100'000);
  queue.append(bytes);
  EXPECT_EQ(queue.size(), bytes.size());
  EXPECT_EQ(contents(queue), bytes);
  EXPECT_LE(pool.bytes_in_use(), bytes.size() + 2 * 4096);
}

TEST(ByteQueue, FillsNoMorePiecesThanAsked) {
  BufferPool pool;
  ByteQueue queue(pool);
  const std::string bytes(20'000, 'x');
  queue.append(bytes);
  std::array<Bytes, 2> pieces;
  EXPECT_EQ(queue.front(pieces), 2u);
  EXPECT_EQ(queue.front({}), 0u);
}

TEST(ByteQueue, AppendLeavesPiecesWhereTheyAre) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append("first");
  std::array<Bytes, 1> pieces;
  ASSERT_EQ(queue.front(pieces), 1u);
  queue.append(std::string(10'000, 'y'));
  EXPECT_EQ(pieces[0], "first");
}

TEST(ByteQueue, GivesBlocksBackAsTheyAreConsumed) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append(std::string(40'960, 'z'));
  const std::size_t before = pool.bytes_in_use();
  queue.consume(20'480);
  EXPECT_LE(pool.bytes_in_use(), before - 4 * 4096);
}

TEST(ByteQueue, ClearGivesEverythingBack) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append(std::string(9'000, 'a'));
  queue.clear();
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  queue.append("b");
  EXPECT_EQ(contents(queue), "b");
}

TEST(ByteQueue, EqualsAStringUnderRandomUse) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    BufferPool pool;
    {
      ByteQueue queue(pool);
      std::string model;
      for (int step = 0; step < 300; ++step) {
        const unsigned action = random() % 20;
        if (action < 10) {
          const std::string bytes = random_bytes(random, random() % (action == 0 ? 20'000 : 2'000));
          queue.append(bytes);
          model += bytes;
        } else if (action < 19) {
          const std::size_t bytes = random() % (model.size() + 1);
          queue.consume(bytes);
          model.erase(0, bytes);
        } else {
          queue.clear();
          model.clear();
        }
        ASSERT_EQ(queue.size(), model.size());
        ASSERT_EQ(queue.empty(), model.empty());
        ASSERT_TRUE(contents(queue) == model) << "step " << step;
        ASSERT_EQ(pool.bytes_in_use() == 0, model.empty());
        ASSERT_EQ(queue.memory(), pool.bytes_in_use());
      }
    }
    ASSERT_EQ(pool.bytes_in_use(), 0u);
  }
}

}  // namespace
}  // namespace fairlead
