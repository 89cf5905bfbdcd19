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

// However many are ready and however long it takes, each has its turn.
TEST(ReadySetTest, WhoIsLeftWhenTimeIsOverComesBehindThoseWhoWereNotInTheBatch) {
  constexpr int kReady = 200;  // more than a batch
  boost::asio::io_context context;
  ReadySet set(context);
  std::vector<Pair> pairs;
  std::vector<int> order;
  std::vector<std::unique_ptr<Told>> watchers;
  for (int i = 0; i < kReady; ++i) {
    pairs.push_back(connected_pair());
    watchers.push_back(std::make_unique<Told>(order, i));
    ASSERT_EQ(0, set.watch(pairs.back().near.get(), 0, EPOLLOUT, *watchers.back()));
  }
  const auto over = std::chrono::steady_clock::time_point::min();
  std::vector<int> seen(kReady);
  int rounds = 0;
  while (std::ranges::find(seen, 0) != seen.end()) {
    ASSERT_LT(++rounds, kReady);
    ASSERT_GT(set.collect(), 0u);
    order.clear();
    const std::size_t told = set.dispatch(over);
    ASSERT_EQ(told, order.size());
    ASSERT_LT(told, 20u);
    for (const int number : order) ++seen[static_cast<std::size_t>(number)];
  }
  EXPECT_LE(std::ranges::max(seen), 2) << "nobody is told again and again while others wait";
}

TEST(ReadySetTest, AllAreToldWhileThereIsTime) {
  boost::asio::io_context context;
  ReadySet set(context);
  std::vector<Pair> pairs;
  std::vector<int> order;
  std::vector<std::unique_ptr<Told>> watchers;
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(connected_pair());
    watchers.push_back(std::make_unique<Told>(order, i));
    ASSERT_EQ(0, set.watch(pairs.back().near.get(), 0, EPOLLOUT, *watchers.back()));
  }
  EXPECT_EQ(50u, set.collect());
  EXPECT_EQ(50u, set.dispatch(std::chrono::steady_clock::time_point::max()));
  EXPECT_EQ(50u, order.size());
}

}  // namespace
}  // namespace fairlead
