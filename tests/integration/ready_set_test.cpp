// ReadySet on real descriptors.
#include "common/io/ready_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "tests/integration/sockets.hpp"

namespace fairlead {
namespace {

class Told final : public Watcher {
 public:
  explicit Told(std::vector<int>& order, int number) : order_(order), number_(number) {}

 private:
  void on_ready(std::uint32_t) override { order_.push_back(number_); }

  std::vector<int>& order_;
  const int number_;
};

struct Ready {
  explicit Ready(ReadySet& to, int count) : set(to) {
    for (int i = 0; i < count; ++i) {
      pairs.push_back(connected_pair());
      watchers.push_back(std::make_unique<Told>(order, i));
      EXPECT_EQ(0, set.watch(pairs.back().near.get(), 0, EPOLLOUT, *watchers.back()));
    }
  }

  ReadySet& set;
  std::vector<Pair> pairs;
  std::vector<int> order;  // in which they were told
  std::vector<std::unique_ptr<Told>> watchers;
};

constexpr int kBatch = 32, kBatchLeast = 4;  // as the set has them

constexpr auto kOver = std::chrono::steady_clock::time_point::min();
constexpr auto kForever = std::chrono::steady_clock::time_point::max();

TEST(ReadySetTest, WhoIsLeftWhenTimeIsOverComesFirstNextTime) {
  boost::asio::io_context context;
  ReadySet set(context);
  Ready ready(set, kBatch);
  std::size_t left = kBatch;
  while (left > 0) {
    ASSERT_EQ(left, set.collect());
    EXPECT_EQ(left == kBatch, set.is_fresh());
    const std::size_t told = set.dispatch(kOver);
    ASSERT_GT(told, 0u);
    ASSERT_LT(told, 20u);
    left -= told;
  }
  std::ranges::sort(ready.order);
  for (int i = 0; i < kBatch; ++i) EXPECT_EQ(i, ready.order[static_cast<std::size_t>(i)]);
}

// However many are ready and however long it takes, each has its turn.
TEST(ReadySetTest, NobodyIsToldTwiceWhileOthersWait) {
  constexpr int kReady = 200;  // more than a batch
  boost::asio::io_context context;
  ReadySet set(context);
  Ready ready(set, kReady);
  while (ready.order.size() < kReady) {
    ASSERT_GT(set.collect(), 0u);
    ASSERT_GT(set.dispatch(kOver), 0u);
  }
  std::ranges::sort(ready.order);
  for (int i = 0; i < kReady; ++i) ASSERT_EQ(i, ready.order[static_cast<std::size_t>(i)]);
}

TEST(ReadySetTest, ABatchIsWhatTheLastOneHadTimeFor) {
  boost::asio::io_context context;
  ReadySet set(context);
  Ready ready(set, 2 * kBatch);
  const auto next_batch = [&set](auto until) {
    const std::size_t size = set.collect();
    for (std::size_t told = 0; told < size; told += set.dispatch(until)) {
    }
    return static_cast<int>(size);
  };
  EXPECT_EQ(kBatch, next_batch(kOver));
  EXPECT_EQ(8, next_batch(kOver));
  EXPECT_EQ(kBatchLeast, next_batch(kOver));
  for (int size = kBatchLeast; size < kBatch; ++size) EXPECT_EQ(size, next_batch(kForever));
  EXPECT_EQ(kBatch, next_batch(kForever));
}

TEST(ReadySetTest, WhoIsForgottenMeanwhileIsNotTold) {
  boost::asio::io_context context;
  ReadySet set(context);
  Ready ready(set, 20);
  ASSERT_EQ(20u, set.collect());
  const std::size_t told = set.dispatch(kOver);
  ASSERT_LT(told, 20u);
  for (const auto& watcher : ready.watchers) set.forget(EPOLLOUT, *watcher);
  set.collect();
  EXPECT_EQ(0u, set.dispatch(kForever));
  EXPECT_EQ(told, ready.order.size());
}

TEST(ReadySetTest, AllAreToldWhileThereIsTime) {
  boost::asio::io_context context;
  ReadySet set(context);
  Ready ready(set, kBatch);
  EXPECT_EQ(32u, set.collect());
  EXPECT_EQ(32u, set.dispatch(kForever));
  EXPECT_EQ(32u, ready.order.size());
}

}  // namespace
}  // namespace fairlead
