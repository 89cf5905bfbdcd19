#include "common/base/tail_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

namespace fairlead {
namespace {

TEST(TailBuffer, IsSmallAndOwnsNothingWhenEmpty) {
  EXPECT_LE(sizeof(TailBuffer), 24u);
  BufferPool pool;
  TailBuffer tail(pool);
  EXPECT_EQ(tail.view(), "");
  tail.append("");
  EXPECT_EQ(pool.bytes_in_use(), 0u);
  tail.append("abc");
  EXPECT_EQ(tail.view(), "abc");
  EXPECT_EQ(pool.bytes_in_use(), 248u);
  tail.drop_front(3);
  EXPECT_TRUE(tail.empty());
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(TailBuffer, ClearGivesTheStorageBack) {
  BufferPool pool;
  TailBuffer tail(pool);
  tail.append(std::string(5'000, 'a'));
  tail.clear();
  EXPECT_EQ(tail.size(), 0u);
  EXPECT_EQ(pool.bytes_in_use(), 0u);
}

TEST(TailBuffer, IsSizedByWhatHasArrived) {
  BufferPool pool;
  TailBuffer tail(pool);
  std::string model;
  for (int i = 0; i < 3'000; ++i) {
    tail.append("0123456789abcdefghi");
    model += "0123456789abcdefghi";
    ASSERT_LE(pool.bytes_in_use(), std::max<std::size_t>(248, 9 * model.size()));
  }
  EXPECT_EQ(tail.view(), model);
}

TEST(TailBuffer, GrowsBeyondThePoolByDoubling) {
  BufferPool pool;
  TailBuffer tail(pool);
  const std::string piece(1'000, 'x');
  std::set<std::size_t> capacities;
  for (int i = 0; i < 1'000; ++i) {
    tail.append(piece);
    capacities.insert(pool.bytes_in_use());
  }
  EXPECT_LE(capacities.size(), 13u);
  EXPECT_EQ(tail.size(), 1'000'000u);
  EXPECT_GE(pool.bytes_in_use(), 1'000'000u);
  EXPECT_LE(pool.bytes_in_use(), 2'100'000u);
}

TEST(TailBuffer, TakesNoMoreThanItNeedsOnceTrimmed) {
  BufferPool pool;
  TailBuffer tail(pool);
  tail.trim();
  EXPECT_EQ(tail.capacity(), 0u);
  std::string text(60'000, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  tail.append(text);
  for (const std::size_t left : {50'000u, 30'000u, 10'000u, 300u, 3u}) {
    tail.drop_front(tail.size() - left);
    tail.trim();
    EXPECT_EQ(tail.view(), text.substr(text.size() - left));
    EXPECT_EQ(tail.capacity(), pool.bytes_in_use());
    EXPECT_LT(tail.capacity(), std::max<std::size_t>(257, 2 * (left + 16)));
  }
}

TEST(TailBuffer, GivesALargeBlockBackWhenLittleIsLeft) {
  BufferPool pool;
  TailBuffer tail(pool);
  tail.append(std::string(1'000'000, 'x') + "the end");
  tail.drop_front(1'000'000);
  EXPECT_EQ(tail.view(), "the end");
  EXPECT_EQ(pool.bytes_in_use(), 248u);
}

// A codec that takes a message off the front for each piece that arrives must not make the storage
// creep upwards.
TEST(TailBuffer, StaysSmallUnderEndlessTraffic) {
  BufferPool pool;
  TailBuffer tail(pool);
  tail.append(std::string(60, 'x'));
  for (int i = 0; i < 10'000; ++i) {
    tail.append(std::string(50, 'y'));
    tail.drop_front(50);
    ASSERT_EQ(pool.bytes_in_use(), 248u);
  }
}

TEST(TailBuffer, EqualsAStringUnderRandomUse) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    BufferPool pool;
    {
      TailBuffer tail(pool);
      std::string model;
      for (int step = 0; step < 400; ++step) {
        const unsigned action = random() % 20;
        if (action < 11) {
          std::string bytes(random() % (action == 0 ? 100'000 : 700), '\0');
          for (char& c : bytes) c = static_cast<char>(random());
          tail.append(bytes);
          model += bytes;
        } else if (action < 19) {
          const std::size_t most =
              action < 16 ? std::min<std::size_t>(model.size(), 900) : model.size();
          const std::size_t bytes = random() % (most + 1);
          tail.drop_front(bytes);
          model.erase(0, bytes);
        } else {
          tail.clear();
          model.clear();
        }
        ASSERT_EQ(tail.size(), model.size());
        ASSERT_TRUE(tail.view() == model) << "step " << step;
        ASSERT_EQ(tail.empty(), model.empty());
        ASSERT_EQ(pool.bytes_in_use() == 0, model.empty());
        ASSERT_LE(pool.bytes_in_use(), std::max<std::size_t>(1024, 12 * model.size()));
      }
    }
    ASSERT_EQ(pool.bytes_in_use(), 0u);
  }
}

}  // namespace
}  // namespace fairlead
