#include "client/api/dialer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/fake_network.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DialerTest : public testing::Test {
 protected:
  void dial(DialSettings settings = {},
            Endpoint server = {.host = "example", .port = 7878, .path = {}}) {
    loop.turn([&] {
      dialer.dial(server, settings, [this](DialResult dialed) {
        ++answers;
        answer = std::move(dialed);
      });
    });
    EXPECT_EQ(answers, 0);
  }
  void resolved(std::vector<PeerAddress> addresses) {
    loop.resolve("example:7878", Resolved{.addresses = std::move(addresses)});
  }
  // What was connected to has to be put away as a connection would.
  void TearDown() override {
    if (answer) loop.turn([this] { loop.shard.retire(std::move(answer->stream)); });
  }

  FakeLoop loop;
  Dialer dialer{loop.shard, loop.network};
  DialResult answer = tl::unexpected(Failure{});
  int answers = 0;
};

TEST(AddressesToTry, AlternateFamiliesAndKeepTheResolversOrder) {
  const auto order = [](std::vector<PeerAddress> resolved) {
    return addresses_to_try(Resolved{.addresses = std::move(resolved)}, {}).value();
  };
  EXPECT_THAT(order({v6(1), v6(2), v6(3), v4(1), v4(2)}),
              ElementsAre(v6(1), v4(1), v6(2), v4(2), v6(3)));
  EXPECT_THAT(order({v4(1), v6(1), v6(2)}), ElementsAre(v4(1), v6(1), v6(2)));
}

TEST_F(DialerTest, GivesTheFirstConnection) {
  dial();
  resolved({v4(1)});
  loop.connect("192.0.2.1:7878");
  ASSERT_EQ(answers, 1);
  EXPECT_TRUE(answer);
  EXPECT_EQ(answer->destination.text(), "192.0.2.1:7878");
  loop.pass(Duration(60'000));
  EXPECT_EQ(answers, 1);
}

TEST_F(DialerTest, TriesTheNextAddressAfterADelayWhileTheFirstIsStillOpen) {
  dial();
  resolved({v6(1), v4(1)});
  EXPECT_THAT(loop.network.open(), ElementsAre("[2001:db8::1]:7878"));
  loop.pass(Dialer::kAttemptDelay - Duration(10));
  EXPECT_THAT(loop.network.open(), ElementsAre("[2001:db8::1]:7878"));
  loop.pass(Duration(20));
  EXPECT_THAT(loop.network.open(), ElementsAre("[2001:db8::1]:7878", "192.0.2.1:7878"));
  loop.connect("192.0.2.1:7878");
  EXPECT_EQ(answer->destination.text(), "192.0.2.1:7878");
  EXPECT_THAT(loop.network.open(), IsEmpty()) << "the slower attempt is given up";
}

TEST_F(DialerTest, TriesTheNextAddressAtOnceAfterARefusal) {
  dial();
  resolved({v6(1), v4(1)});
  loop.refuse("[2001:db8::1]:7878");
  EXPECT_THAT(loop.network.open(), ElementsAre("192.0.2.1:7878"));
  loop.connect("192.0.2.1:7878");
  EXPECT_TRUE(answer);
}

TEST_F(DialerTest, ALateFirstAddressStillWins) {
  dial();
  resolved({v6(1), v4(1)});
  loop.pass(Duration(300));
  loop.refuse("192.0.2.1:7878");
  EXPECT_EQ(answers, 0);
  loop.connect("[2001:db8::1]:7878");
  EXPECT_TRUE(answer);
}

TEST_F(DialerTest, NamesEveryAddressThatFailed) {
  dial();
  resolved({v6(1), v4(1)});
  loop.refuse("[2001:db8::1]:7878", ENETUNREACH);
  loop.refuse("192.0.2.1:7878", ECONNREFUSED);
  ASSERT_EQ(answers, 1);
  EXPECT_EQ(answer.error().kind, FailureKind::refused);
  EXPECT_EQ(answer.error().what,
            "[2001:db8::1]:7878 Network is unreachable, 192.0.2.1:7878 Connection refused");
}

TEST_F(DialerTest, NamesAtMostThreeAddresses) {
  dial();
  resolved({v4(1), v4(2), v4(3), v4(4), v4(5)});
  for (const int i : {1, 2, 3, 4, 5}) loop.refuse("192.0.2." + std::to_string(i) + ":7878");
  EXPECT_THAT(answer.error().what, HasSubstr("192.0.2.3:7878"));
  EXPECT_THAT(answer.error().what, HasSubstr(" and 2 more"));
}

TEST_F(DialerTest, AnAddressThatTheKernelGaveUpOnIsATimeout) {
  dial();
  resolved({v4(1)});
  loop.refuse("192.0.2.1:7878", ETIMEDOUT);
  EXPECT_EQ(answer.error().kind, FailureKind::connect_timeout);
}

TEST_F(DialerTest, NoRouteIsUnreachable) {
  dial();
  resolved({v4(1)});
  loop.refuse("192.0.2.1:7878", EHOSTUNREACH);
  EXPECT_EQ(answer.error().kind, FailureKind::unreachable);
  EXPECT_EQ(answer.error().what, "No route to host");
}

TEST_F(DialerTest, TimesOutAndCancelsEverything) {
  dial({.timeout = Duration(1000)});
  resolved({v4(1), v4(2)});
  loop.pass(Duration(990));
  EXPECT_EQ(answers, 0);
  loop.pass(Duration(30));
  ASSERT_EQ(answers, 1);
  EXPECT_EQ(answer.error().kind, FailureKind::connect_timeout);
  EXPECT_THAT(loop.network.open(), IsEmpty());
}

TEST_F(DialerTest, ANameThatIsNeverResolvedIsATimeoutToo) {
  dial({.timeout = Duration(1000)});
  loop.pass(Duration(1020));
  ASSERT_EQ(answers, 1);
  EXPECT_EQ(answer.error().kind, FailureKind::connect_timeout);
  EXPECT_THAT(answer.error().what, HasSubstr("name"));
}

TEST_F(DialerTest, ZeroMeansNoTimeLimit) {
  dial({.timeout = Duration(0)});
  loop.pass(Duration(3'600'000));
  EXPECT_EQ(answers, 0);
}

TEST_F(DialerTest, SaysWhyANameIsNotResolved) {
  dial();
  loop.resolve("example:7878", make_error("no such name"));
  EXPECT_EQ(answer.error().kind, FailureKind::name_not_resolved);
  EXPECT_EQ(answer.error().what, "no such name");
}

TEST_F(DialerTest, ASourceAddressLeavesTheOtherFamilyOut) {
  dial({.source = v4(9, 0)});
  resolved({v6(1), v4(1)});
  EXPECT_THAT(loop.network.open(), ElementsAre("192.0.2.1:7878"));
  EXPECT_EQ(loop.network.questions.back()->source, "192.0.2.9");
}

TEST_F(DialerTest, ASourceAddressOfTheWrongFamilyIsUnreachable) {
  dial({.source = v4(9, 0)});
  resolved({v6(1)});
  EXPECT_EQ(answer.error().kind, FailureKind::unreachable);
  EXPECT_THAT(answer.error().what, HasSubstr("192.0.2.9"));
}

TEST_F(DialerTest, EachAddressIsTriedWithTheBufferThatWasAskedFor) {
  dial({.receive_buffer_bytes = 1024});
  resolved({v6(1), v4(1)});
  loop.refuse("[2001:db8::1]:7878");
  for (const auto& question : loop.network.questions) {
    const bool is_name = question->what == "example:7878";
    EXPECT_EQ(question->receive_buffer_bytes, is_name ? 0U : 1024U);
  }
  EXPECT_EQ(loop.network.questions.size(), 3U);
}

TEST_F(DialerTest, AUnixSocketNeedsNoName) {
  dial({}, {.kind = Endpoint::Kind::unix_socket, .host = {}, .path = "/run/x"});
  EXPECT_THAT(loop.network.open(), ElementsAre("unix:/run/x"));
}

TEST_F(DialerTest, AnEmptyHostIsThisMachine) {
  dial({}, {.host = {}, .port = 7878, .path = {}});
  EXPECT_THAT(loop.network.open(), ElementsAre("localhost:7878"));
}

TEST_F(DialerTest, CancelCancelsEverything) {
  dial();
  resolved({v4(1), v4(2)});
  loop.turn([this] { dialer.cancel(); });
  EXPECT_THAT(loop.network.open(), IsEmpty());
  loop.pass(Duration(60'000));
  EXPECT_EQ(answers, 0);
}

TEST_F(DialerTest, MayBeUsedAgain) {
  dial();
  resolved({v4(1)});
  loop.refuse("192.0.2.1:7878");
  answers = 0;
  dial();
  resolved({v4(2)});
  loop.connect("192.0.2.2:7878");
  EXPECT_TRUE(answer);
}

}  // namespace
}  // namespace fairlead
