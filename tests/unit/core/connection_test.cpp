// Every way a session ends: what the client sees, and the one reason.
#include <gtest/gtest.h>

#include <numeric>

#include "server/core/admission.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

void expect_all_counted(TestShard& shard) {
  const Counters& counters = shard.shard().counters();
  EXPECT_EQ(counters.accepted,
            counters.open +
                std::accumulate(counters.closed.begin(), counters.closed.end(), std::uint64_t{0}));
}

TEST(SessionEnd, AHalfClosedClientGetsEveryReplyAndThenTheEnd) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  shard.settings().limits.requests_per_turn = 2;
  auto& client = shard.connect();
  client.wire.send("a\nb\nc\nd\ne\nf");
  client.wire.end();
  shard.settle();
  EXPECT_EQ(client.received(), "a\nb\nc\nd\ne\nf");
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(client.reason(), "peer_closed");
  EXPECT_TRUE(client.wire.is_destroyed());
}

TEST(SessionEnd, AHalfClosedClientThatReadsSlowlyGetsEveryReplyToo) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  shard.settings().limits.queue_soft = 1000;
  auto& client = shard.connect({.kernel_bytes_max = 100, .client_reads = false});
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "line " + std::to_string(i) + "\n";
  client.wire.send(lines);
  client.wire.end();
  shard.settle();
  for (int i = 0; i < 200 && !client.wire.saw_end(); ++i) client.takes(77), shard.advance(1s);
  EXPECT_EQ(client.received(), lines);
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(client.reason(), "peer_closed");
}

TEST(SessionEnd, AResetIsAReset) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  auto& client = shard.connect();
  client.sends("a\nunfinished").fails(StreamError::reset);
  EXPECT_EQ(client.reason(), "reset");
  EXPECT_EQ(shard.shard().pool().bytes_in_use(), 0U);
  EXPECT_EQ(shard.shard().connections(), 0U);
}

TEST(SessionEnd, ADeadNetworkIsPeerVanishedAndAStrangeErrorIsOurs) {
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  EXPECT_EQ(shard.connect().fails(StreamError::vanished).reason(), "peer_vanished");
  EXPECT_EQ(shard.connect().fails(StreamError::failed).reason(), "internal_error");
  expect_all_counted(shard);
}

TEST(SessionEnd, ATransportThatFailsAtItsStartIsAnEndLikeAnyOther) {
  for (const auto protocol : {ListenerProtocol::automatic, ListenerProtocol::text,
                              ListenerProtocol::len32, ListenerProtocol::framed}) {
    for (const auto refused : {CloseReason::none, CloseReason::server_full}) {
      ServerSettings settings = settings_for("echo", protocol);
      settings.services.front()->greeting = "welcome";
      settings.services.front()->transcript.on_connect = "connected";
      TestShard shard(std::move(settings));
      auto& client = shard.connect({.start_fails = true}, 0, refused);
      EXPECT_EQ(client.reason(),
                refused == CloseReason::none ? "internal_error" : name_of(refused));
      EXPECT_TRUE(client.wire.is_destroyed());
      EXPECT_EQ(client.received(), "");
      EXPECT_EQ(client.wire.breach(), "");
      EXPECT_TRUE(shard.transcript.lines.empty());
      EXPECT_EQ(shard.shard().connections(), 0U);
    }
  }
}

TEST(SessionEnd, TheFirstReasonStands) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.services.front()->close_after = 1;
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("a\n").fails(StreamError::reset);
  EXPECT_EQ(client.reason(), "close_after");
  EXPECT_EQ(shard.closed(CloseReason::close_after), 1U);
  EXPECT_EQ(shard.closed(CloseReason::reset), 0U);
}

// ---- Lingering

ServerSettings closing_after_one() {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.services.front()->close_after = 1;
  return settings;
}

TEST(Linger, ReadsAndDropsUntilTheClientsEnd) {
  TestShard shard(closing_after_one());
  auto& client = shard.connect();
  client.sends("a\n").sends("more\n").sends("and more\n");
  EXPECT_EQ(client.received(), "a\n");
  EXPECT_TRUE(client.wire.saw_end());
  EXPECT_EQ(shard.shard().connections(), 1U);
  client.ends();
  EXPECT_EQ(shard.shard().connections(), 0U);
  EXPECT_FALSE(client.wire.saw_reset());
}

TEST(Linger, EndsAfterTwoSecondsOfSilence) {
  TestShard shard(closing_after_one());
  auto& client = shard.connect();
  client.sends("a\n");
  shard.advance(1900ms);
  client.sends("b");
  shard.advance(1990ms);
  EXPECT_EQ(client.reason(), "");
  shard.advance(20ms);
  EXPECT_EQ(client.reason(), "close_after");
}

TEST(Linger, EndsAfterThirtySecondsHoweverItDrips) {
  TestShard shard(closing_after_one());
  auto& client = shard.connect();
  client.sends("a\n");
  for (int i = 0; i < 29; ++i) shard.advance(1s), client.sends("drip");
  shard.advance(980ms);
  EXPECT_EQ(client.reason(), "");
  shard.advance(30ms);
  EXPECT_EQ(client.reason(), "close_after");
}

TEST(Linger, TheThirtySecondsBeginWithOurEndHoweverLongTheReplyTook) {
  TestShard shard(closing_after_one());
  auto& client = shard.connect({.kernel_bytes_max = 4, .client_reads = false});
  client.sends("0123456789abcdef\n");
  for (int i = 0; i < 4; ++i) shard.advance(20s), client.takes(4);
  ASSERT_TRUE(client.wire.is_over());
  client.sends("still here");
  shard.advance(1s);
  EXPECT_EQ(client.reason(), "") << "closed while the client may still be reading";
  client.takes(100);
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "close_after");
}

TEST(Linger, EndsByResetAbove64MiB) {
  TestShard shard(closing_after_one());
  auto& client = shard.connect();
  client.sends("a\n");
  const std::string flood(1024 * 1024, 'x');
  for (int i = 0; i < 64; ++i) client.sends(flood);
  EXPECT_FALSE(client.wire.saw_reset());
  client.sends("x");
  EXPECT_TRUE(client.wire.saw_reset());
  EXPECT_EQ(client.reason(), "close_after");
}

TEST(Linger, AtMostAThousandTheOldestIsReset) {
  TestShard shard(closing_after_one());
  for (int i = 0; i < 1001; ++i) shard.connect().sends("a\n");
  EXPECT_TRUE(shard.clients()[0]->wire.saw_reset());
  EXPECT_FALSE(shard.clients()[1]->wire.saw_reset());
  EXPECT_EQ(shard.shard().connections(), 1000U);
  shard.clients()[1]->ends();
  shard.connect().sends("a\n");
  EXPECT_FALSE(shard.clients()[2]->wire.saw_reset());
}

TEST(Linger, ZeroIsNoWait) {
  TestShard shard(closing_after_one());
  shard.settings().timeouts.linger = 0s;
  auto& client = shard.connect();
  client.sends("a\n");
  EXPECT_EQ(client.reason(), "close_after");
}

// ---- Failures of ours

TEST(Failure, AnExceptionInAServiceEndsThatSessionAlone) {
  TestShard shard(settings_for("file", ListenerProtocol::text));
  shard.files.add_trap("trap");
  shard.files.add("fine", "content");
  auto& unlucky = shard.connect();
  auto& other = shard.connect();
  unlucky.sends("trap\nmore\n").ends();
  EXPECT_EQ(unlucky.received(), "");
  EXPECT_TRUE(unlucky.wire.saw_reset()) << "words would be taken for the file";
  EXPECT_EQ(unlucky.reason(), "internal_error");
  ASSERT_EQ(shard.log.events.size(), 1U);
  EXPECT_EQ(shard.log.events[0].name, "session failed");
  EXPECT_EQ(shard.log.events[0].fields["what"], "the disk is on fire");
  EXPECT_EQ(shard.log.events[0].fields["id"], "1");
  other.sends("fine\n");
  EXPECT_EQ(other.received(), "content");
  expect_all_counted(shard);
}

TEST(Failure, AHalfClosedClientIsToldToo) {
  ServerSettings settings = settings_for("thrower", ListenerProtocol::text);
  settings.services.front()->text = "on_message";
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  client.sends("trap").ends();
  EXPECT_EQ(client.received(), "error: internal_error: the server failed to handle this\n");
  EXPECT_EQ(client.reason(), "internal_error");
}

TEST(Failure, AFramedClientIsToldByAnErrorFrame) {
  TestShard shard(settings_for("file", ListenerProtocol::framed));
  shard.files.add_trap("trap");
  auto& client = shard.connect();
  client.sends(client::kPreface + client::request(1, "trap")).ends();
  const auto said = client::parse(client.received()).frames;
  ASSERT_EQ(said.size(), 3U);
  for (const std::uint64_t about : {1, 0}) {
    EXPECT_EQ(said[2 - about].type, client::error);
    EXPECT_EQ(said[2 - about].id, about);
    EXPECT_EQ(said[2 - about].code(), static_cast<std::uint64_t>(CloseReason::internal_error));
  }
  EXPECT_EQ(client.reason(), "internal_error");
}

// A service that fails wherever it can.
TEST(Failure, OfAPushingServiceOnItsOwnTimeEndsNobody) {
  ServerSettings settings = settings_for("thrower", ListenerProtocol::text);
  settings.services.front()->text = "on_time";
  TestShard shard(std::move(settings));
  auto& client = shard.connect();
  shard.advance(1s);
  client.sends("still served\n");
  EXPECT_EQ(client.received(), "still served\n");
  ASSERT_FALSE(shard.log.events.empty());
  EXPECT_EQ(shard.log.events[0].name, "service failed");
  EXPECT_EQ(shard.log.events[0].fields["what"], "on_time");
}

TEST(Failure, WhereverAServiceThrowsItsSessionAloneEnds) {
  for (const char* place : {"on_open", "on_message", "on_writable", "no exception"}) {
    ServerSettings settings = settings_for("thrower", ListenerProtocol::text);
    settings.services.front()->text = place;
    add_listener(settings, ListenerProtocol::text, &add_service(settings, "echo", "echo"));
    TestShard shard(std::move(settings));
    auto& other = shard.connect({}, 1);
    auto& unlucky = shard.connect();
    unlucky.sends("go\n").ends();
    EXPECT_EQ(unlucky.reason(), "internal_error") << place;
    EXPECT_TRUE(unlucky.wire.is_destroyed()) << place;
    other.sends("hello\n");
    EXPECT_EQ(other.received(), "hello\n") << place;
    expect_all_counted(shard);
  }
}

// ---- The line in the log

TEST(SessionLog, HasOneLineWithEveryFieldPerSession) {
  TestShard shard(settings_for("echo", ListenerProtocol::automatic));
  auto& client = shard.connect();
  shard.advance(1500ms);
  client.sends("好\nabc\n").ends();
  ASSERT_EQ(shard.session_log.events.size(), 1U);
  const auto& line = shard.session_log.events[0];
  EXPECT_EQ(line.name, "session");
  EXPECT_EQ(line.level, Level::info);
  EXPECT_EQ(line.fields, (std::map<std::string, std::string>{{"id", "1"},
                                                             {"listener", "main"},
                                                             {"peer", "127.0.0.1:40001"},
                                                             {"protocol", "text"},
                                                             {"encoding", "utf-8"},
                                                             {"reason", "peer_closed"},
                                                             {"ms", "1500"},
                                                             {"bytes_in", "8"},
                                                             {"bytes_out", "8"},
                                                             {"messages_in", "2"},
                                                             {"messages_out", "2"}}));
}

TEST(Counters, AddUpAtEveryTurn) {
  TestShard shard(settings_for("echo", ListenerProtocol::automatic));
  shard.after_turn = [&] { expect_all_counted(shard); };
  auto& polite = shard.connect();
  auto& rude = shard.connect();
  auto& silent = shard.connect({}, 0, CloseReason::ip_limit);
  polite.sends("hello\n").ends();
  rude.sends("hello\n").fails(StreamError::reset);
  silent.ends();
  EXPECT_EQ(shard.shard().counters().accepted, 3U);
  EXPECT_EQ(shard.shard().counters().open, 0U);
  EXPECT_EQ(shard.closed(CloseReason::peer_closed), 1U);
  EXPECT_EQ(shard.closed(CloseReason::reset), 1U);
  EXPECT_EQ(shard.closed(CloseReason::ip_limit), 1U);
  EXPECT_EQ(shard.shard().counters().bytes_in, 12U);
  EXPECT_EQ(shard.shard().counters().bytes_out, 12U);
}

TEST(Counters, AReportHasWhatOpenSessionsHaveMovedSoFar) {
  TestShard shard(settings_for("echo", ListenerProtocol::automatic));
  const auto expect_moved = [&shard](std::uint64_t bytes, std::uint64_t messages) {
    const Counters report = shard.shard().report();
    EXPECT_EQ(report.bytes_in, bytes);
    EXPECT_EQ(report.bytes_out, bytes);
    EXPECT_EQ(report.messages_in, messages);
    EXPECT_EQ(report.messages_out, messages);
  };
  auto& one = shard.connect();
  auto& other = shard.connect();
  expect_moved(0, 0);
  one.sends("hello\n");
  expect_moved(6, 1);
  other.sends("a\nb\n");
  expect_moved(10, 3);
  one.ends();
  expect_moved(10, 3);
  other.ends();
  expect_moved(10, 3);
}

TEST(Admission, APlaceIsGivenBackWhenItsConnectionIsFreed) {
  LimitSettings limits;
  Admission admission(limits, {}, 10, 1);
  TestShard shard(settings_for("echo", ListenerProtocol::text));
  auto& client = shard.connect({}, 0, admission.admit({}, {}, shard.now()));
  client.sends("x\n");
  EXPECT_EQ(admission.connections(), 1U);
  client.ends();
  EXPECT_EQ(admission.connections(), 0U);
}

}  // namespace
}  // namespace fairlead
