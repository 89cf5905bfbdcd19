#include "server/app/upgrade/departures.hpp"

#include <gtest/gtest.h>

#include <set>

#include "server/handover/state.hpp"
#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

struct DeparturesTest : testing::Test {
  DeparturesTest() {
    running.open();
    running.run();
    for (int i = 0; i < 20; ++i) {
      clients.push_back(running.connect());
      expect_echo(clients.back(), "before\n");
    }
  }

  std::vector<Departing> collect(std::size_t sessions_max) {
    std::promise<std::vector<Departing>> collected;
    running.daemon().loop().post([&] {
      departures.collect(sessions_max, [&](std::vector<Departing> sessions) {
        collected.set_value(std::move(sessions));
      });
    });
    return collected.get_future().get();
  }
  void settle(const std::vector<Departing>& sessions, Departed::Fate fate) {
    std::vector<Departed> departed;
    for (const Departing& session : sessions) departed.push_back({session.id, fate});
    running.call([&] { departures.settle(departed); });
  }

  RunningDaemon running{kTwoListeners + "[timeouts]\ndrain = 10ms\nlinger = 10ms\n"};
  Departures departures{running.daemon().shards()};
  std::vector<Socket> clients;
};

TEST_F(DeparturesTest, TakeEachSessionOfEveryShardOnce) {
  std::set<std::uint64_t> ids;
  std::size_t batches = 0;
  for (auto sessions = collect(3); !sessions.empty(); sessions = collect(3), ++batches) {
    EXPECT_LE(sessions.size(), 3U);
    for (const Departing& session : sessions) {
      EXPECT_TRUE(ids.insert(session.id).second) << session.id;
      EXPECT_EQ(read_session(session.record)->id, session.id);
      EXPECT_GE(session.descriptor, 0);
    }
    settle(sessions, Departed::Fate::taken);
  }
  EXPECT_EQ(ids.size(), clients.size());
  EXPECT_GE(batches, 2 * ((clients.size() / 2 + 2) / 3));
}

TEST_F(DeparturesTest, WhatIsRefusedGoesOnAndIsNotAskedAgain) {
  for (auto sessions = collect(7); !sessions.empty(); sessions = collect(7))
    settle(sessions, Departed::Fate::refused);
  for (const Socket& client : clients) expect_echo(client, "behind\n");
}

TEST_F(DeparturesTest, WhatIsReturnedIsAskedAgain) {
  const auto first = collect(100);
  ASSERT_FALSE(first.empty());
  settle(first, Departed::Fate::returned);
  for (const Socket& client : clients) expect_echo(client, "meanwhile\n");
  std::size_t seen = 0;
  for (auto sessions = collect(100); !sessions.empty(); sessions = collect(100)) {
    seen += sessions.size();
    settle(sessions, Departed::Fate::refused);
  }
  EXPECT_EQ(seen, clients.size());
}

}  // namespace
}  // namespace fairlead
