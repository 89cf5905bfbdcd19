#include "server/app/shutdown.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using Order = Shutdown::Order;

constexpr TimePoint kStart{1h};

struct ShutdownTest : testing::Test {
  Shutdown shutdown{{10s, 2min, 1h}};

  void begin(StopRequest request) {
    EXPECT_EQ(shutdown.on_request(request, kStart), Order::close_listeners);
    const bool is_lame_duck = request == StopRequest::lame_duck;
    EXPECT_EQ(shutdown.on_listeners_closed(kStart),
              is_lame_duck ? Order::begin_lame_duck : Order::begin_drain);
  }
};

TEST_F(ShutdownTest, DrainsAfterTheListenersHaveClosedAndEndsWithTheLastSession) {
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::close_listeners);
  EXPECT_EQ(shutdown.deadline(), kNever) << "the time runs from the first goodbye";
  EXPECT_EQ(shutdown.on_listeners_closed(kStart + 1s), Order::begin_drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 11s);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
}

TEST_F(ShutdownTest, TakesTheTimesOfAReload) {
  shutdown.change_times({3s, 4s, 5s});
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 3s);
}

TEST_F(ShutdownTest, BehindAnUpgradeItDrainsForATimeOfItsOwn) {
  EXPECT_EQ(shutdown.on_request(StopRequest::handed_over, kStart), Order::close_listeners);
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::begin_drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 1h);
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart), Order::none);
  EXPECT_EQ(shutdown.on_deadline(), Order::evict);
  EXPECT_EQ(shutdown.kind(), StopRequest::handed_over);
}

TEST_F(ShutdownTest, ADrainRequestBehindAnUpgradeIsAStopAsEver) {
  shutdown.on_request(StopRequest::handed_over, kStart);
  shutdown.on_listeners_closed(kStart);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart + 1min), Order::begin_drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 1min + 10s);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart + 1min), Order::cut);
}

TEST_F(ShutdownTest, AnUpgradeChangesNothingOfAStopThatIsUnderWay) {
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.on_request(StopRequest::handed_over, kStart), Order::none);
  EXPECT_EQ(shutdown.kind(), StopRequest::drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 10s);
}

TEST_F(ShutdownTest, EvictsAtTheDeadlineAndStillWaitsForTheLastSession) {
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.on_deadline(), Order::evict);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
}

TEST_F(ShutdownTest, ASecondDrainRequestWhileListenersCloseCutsBehindThat) {
  shutdown.on_request(StopRequest::drain, kStart);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::none);
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::cut);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
}

TEST_F(ShutdownTest, ASecondDrainRequestCutsAndStillWaitsForTheLastSession) {
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::cut);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
}

TEST_F(ShutdownTest, ASecondDrainRequestCutsAfterTheDeadline) {
  begin(StopRequest::drain);
  shutdown.on_deadline();
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::cut);
}

TEST_F(ShutdownTest, BehindACutOnlyTheEndFollows) {
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::cut);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::none) << "the third";
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart), Order::none);
  EXPECT_EQ(shutdown.on_deadline(), Order::none);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
}

TEST_F(ShutdownTest, AThirdDrainRequestWhileListenersCloseChangesNothing) {
  for (int i = 0; i < 3; ++i) shutdown.on_request(StopRequest::drain, kStart);
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::cut);
}

TEST_F(ShutdownTest, ASecondLameDuckRequestChangesNothing) {
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart), Order::close_listeners);
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart), Order::none);
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::begin_lame_duck);
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart + 1min), Order::none);
  EXPECT_EQ(shutdown.deadline(), kStart + 2min);
}

TEST_F(ShutdownTest, ALameDuckRequestDuringADrainChangesNothing) {
  begin(StopRequest::drain);
  EXPECT_EQ(shutdown.on_request(StopRequest::lame_duck, kStart), Order::none);
  EXPECT_EQ(shutdown.kind(), StopRequest::drain);
}

TEST_F(ShutdownTest, ADrainRequestCutsALameDuckShort) {
  begin(StopRequest::lame_duck);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart + 1min), Order::begin_drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 1min + 10s);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart + 1min), Order::cut) << "the next one";
}

TEST_F(ShutdownTest, ADrainNeverEndsLaterThanTheLameDuckBeforeIt) {
  begin(StopRequest::lame_duck);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart + 115s), Order::begin_drain);
  EXPECT_EQ(shutdown.deadline(), kStart + 2min);
}

TEST_F(ShutdownTest, ADrainRequestWhileListenersCloseTurnsTheLameDuckIntoADrain) {
  shutdown.on_request(StopRequest::lame_duck, kStart);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::none)
      << "listeners close first";
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::begin_drain);
}

TEST_F(ShutdownTest, NothingFollowsTheEnd) {
  begin(StopRequest::lame_duck);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::finish);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::none);
  EXPECT_EQ(shutdown.on_deadline(), Order::none);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::none);
}

TEST_F(ShutdownTest, EventsOfAStopThatHasNotBegunAreIgnored) {
  EXPECT_EQ(shutdown.on_listeners_closed(kStart), Order::none);
  EXPECT_EQ(shutdown.on_deadline(), Order::none);
  EXPECT_EQ(shutdown.on_last_session_ended(), Order::none);
  EXPECT_EQ(shutdown.on_request(StopRequest::drain, kStart), Order::close_listeners);
}

}  // namespace
}  // namespace fairlead
