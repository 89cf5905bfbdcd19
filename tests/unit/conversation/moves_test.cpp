// A session that an upgrade takes to another process at any byte of its talk: its client hears what
// it would have heard without.
#include <gtest/gtest.h>

#include <map>

#include "common/text/encoding.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using client::frame;
using client::request;

std::string gbk(std::string_view utf8) {
  std::string out;
  append_encoded(out, utf8, Encoding::gbk);
  return out;
}

struct Talk {
  const char* name;
  ListenerProtocol protocol;
  Boundary boundary;
  std::string stream;
  std::uint64_t close_after = 0;
};

std::vector<Talk> talks() {
  using enum ListenerProtocol;
  const std::string lines = "one\n\r\n\ntwo\r\n你好,世界!!!\n哈哈哈\r\nand a rest";
  const std::string frames =
      client::kPreface + frame(client::hello, 0, 0, std::string("\0\1\0", 3)) + request(1, "one") +
      frame(client::open, 7, 2, "reply") + request(3, "你好", 7) + frame(0x99, 1, 1, "skipped") +
      frame(client::open, 900, 4, "echo") + frame(client::ping, 0, 9, "ping") +
      request(5, "two", 900) + frame(client::close, 7, 0) + request(6, "closed", 7) +
      request(7, "") + request(8, "last", 900);
  const std::string lengths =
      client::len32("one") + client::len32("") + client::len32("你好,世界") + client::len32("end");
  return {
      {"lines", text, Boundary::line, lines},
      {"lines, detected", automatic, Boundary::line, lines},
      {"lines in GBK", automatic, Boundary::line, gbk(lines)},
      {"chunks", automatic, Boundary::chunk, "你好 and more 哈哈"},
      {"auto", automatic, Boundary::automatic, lines},
      {"auto in GBK", text, Boundary::automatic, gbk("你好,世界!!! abc 好的,已经收到 end")},
      {"almost framed", automatic, Boundary::line,
       "\xff"
       "FLx\nnext\n"},
      {"a line too long", text, Boundary::line, "fits\n" + std::string(66, 'x') + "\nlate\n"},
      {"closed after three", text, Boundary::line, "1\n2\n3\n4\n5\n", 3},
      {"len32", len32, Boundary::line, lengths},
      {"len32, detected", automatic, Boundary::line, lengths},
      {"len32 too big", automatic, Boundary::line,
       client::len32("one") + client::number(65, 4) + "xxxx"},
      {"framed", framed, Boundary::line, frames},
      {"framed, detected", automatic, Boundary::line, frames},
      {"framed, a late HELLO", framed, Boundary::line,
       client::kPreface + request(1, "one") + frame(client::hello, 0, 0, std::string("\0\1\0", 3)) +
           request(2, "late")},
      {"framed, a wrong id", automatic, Boundary::line, frames + request(5, "again")},
      {"framed, closed after two", framed, Boundary::line, frames, 2},
  };
}

ServerSettings settings_of(const Talk& talk) {
  ServerSettings settings = settings_for("reply", talk.protocol, talk.boundary);
  ServiceSettings& reply = *settings.services.front();
  reply.text = "好的:{text}";
  reply.greeting = "欢迎";
  reply.text_rules.chunk = 16;
  reply.close_after = talk.close_after;
  reply.transcript = {.on_connect = "hello {id}",
                      .on_message = "{len} {text}",
                      .on_close = "bye {id}",
                      .on_missing = {}};
  add_service(settings, "echo", "echo");
  settings.listeners.front()->offered_services.emplace_back("echo");
  settings.limits.max_message = 64;
  settings.limits.requests_per_turn = 3;
  return settings;
}

struct Outcome {
  std::string received;
  std::map<std::string, std::string> line;  // in the session log
  std::vector<std::string> transcript;

  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << outcome.received.size() << " bytes, " << outcome.transcript.size() << " lines:";
  for (const auto& [name, value] : outcome.line) *out << " " << name << "=" << value;
}

void expect_sums(TestShard& shard) {
  const Counters& counters = shard.shard().counters();
  std::uint64_t closed = 0;
  for (const std::uint64_t count : counters.closed) closed += count;
  EXPECT_EQ(counters.accepted + counters.taken_over, counters.open + closed + counters.handed_over);
}

// What one of two processes does to the session between the two parts of its stream.
enum class Between : std::uint8_t { nothing, moved, moved_twice, returned };

Outcome outcome_of(const Talk& talk, std::size_t cut, Between between, FakeConditions conditions) {
  TestShard before(settings_of(talk));
  TestShard after(settings_of(talk));
  after.skip_clock(12345s);  // its clock shows another time
  TestShard last(settings_of(talk));
  TestShard* now = &before;
  TestClient& client = before.connect(conditions);
  before.advance(40ms);  // of which the log line tells
  const Bytes stream = talk.stream;
  if (cut > 0) client.sends(stream.substr(0, cut));
  if (between == Between::returned) {
    after.take_over_from(before, 10, [](const auto&) { return Departed::Fate::returned; });
  } else if (between != Between::nothing) {
    if (after.take_over_from(before) == 1) now = &after;
    if (between == Between::moved_twice && last.take_over_from(*now) == 1) now = &last;
  }
  if (cut < stream.size()) client.sends(stream.substr(cut));
  now->advance(5s);  // every pause is over
  client.ends();
  now->advance(60s);
  for (TestShard* const shard : {&before, &after, &last}) {
    expect_sums(*shard);
    EXPECT_EQ(shard->shard().connections(), 0U);
    EXPECT_EQ(shard->shard().pool().bytes_in_use(), 0U);
    const Counters counters = shard->shard().report();
    EXPECT_EQ(counters.bytes_in > 0, shard == now && !talk.stream.empty());
  }
  Outcome outcome{client.received(), {}, {}};
  for (TestShard* const shard : {&before, &after, &last}) {
    for (const auto& event : shard->session_log.events)
      if (event.name == "session") {
        EXPECT_TRUE(outcome.line.empty()) << "two lines for one session";
        outcome.line = event.fields;
      }
    outcome.transcript.insert(outcome.transcript.end(), shard->transcript.lines.begin(),
                              shard->transcript.lines.end());
  }
  EXPECT_EQ(client.wire.breach(), "");
  return outcome;
}

TEST(Moves, AtEveryByteTheClientHearsTheSame) {
  for (const Talk& talk : talks()) {
    for (std::size_t cut = 0; cut <= talk.stream.size(); ++cut) {
      const Outcome expected = outcome_of(talk, cut, Between::nothing, {});
      for (const Between between : {Between::moved, Between::moved_twice, Between::returned})
        ASSERT_EQ(outcome_of(talk, cut, between, {}), expected)
            << talk.name << ", cut at " << cut << ", " << static_cast<int>(between);
    }
  }
}

TEST(Moves, WhateverTheKernelDoesToReadsAndProbes) {
  for (const Talk& talk : talks()) {
    for (std::size_t cut = 0; cut <= talk.stream.size(); cut += 3) {
      for (const FakeConditions conditions :
           {FakeConditions{.read_bytes_max = 5}, FakeConditions{.probe_answers_later = false},
            FakeConditions{.halt_finds_bytes = true}})
        ASSERT_EQ(outcome_of(talk, cut, Between::moved, conditions),
                  outcome_of(talk, cut, Between::nothing, conditions))
            << talk.name << ", cut at " << cut;
    }
  }
}

// ---- Clients that do not read

struct Slow {
  ListenerProtocol protocol;
  std::string stream;
  std::string replies;
};

std::vector<Slow> slow_talks() {
  std::vector<Slow> all(3);
  all[0].protocol = ListenerProtocol::text;
  all[1].protocol = ListenerProtocol::len32;
  all[2].protocol = ListenerProtocol::framed;
  all[2].stream = client::kPreface;
  for (unsigned i = 1; i <= 30; ++i) {
    const std::string payload = std::to_string(i) + std::string(i, 'x');
    all[0].stream += payload + "\n";
    all[0].replies += payload + "\n";
    all[1].stream += client::len32(payload);
    all[1].replies += client::len32(payload);
    all[2].stream += request(i, payload);
    all[2].replies += frame(client::reply, 0, i, payload);
  }
  return all;
}

// Read from no more, its replies and its requests waiting, it is moved when it has taken so many
// bytes.
TEST(Moves, UnsentOutputAndUnparsedInputGoAlong) {
  for (const Slow& slow : slow_talks()) {
    for (const bool finds_bytes : {false, true}) {
      for (std::size_t taken = 0; taken < 900; taken += 7) {
        ServerSettings settings = settings_for("echo", slow.protocol);
        settings.limits.queue_soft = 100;
        settings.limits.requests_per_turn = 2;
        TestShard before(std::move(settings));
        settings = settings_for("echo", slow.protocol);
        settings.limits.queue_soft = 60;  // another one; L keys are the new process's
        TestShard after(std::move(settings));
        TestClient& client = before.connect(
            {.kernel_bytes_max = 20, .client_reads = false, .halt_finds_bytes = finds_bytes});
        client.sends(slow.stream);
        for (std::size_t bytes = 0; bytes < taken; bytes += 10) client.takes(10);
        ASSERT_EQ(after.take_over_from(before), 1U) << taken;
        for (int i = 0; i < 400; ++i) client.takes(10);
        const std::string& received = client.received();
        ASSERT_TRUE(std::string_view(received).ends_with(slow.replies))
            << taken << ": " << received.size();
        client.ends();
        client.takes(100);
        EXPECT_EQ(client.reason(), "peer_closed");
        EXPECT_EQ(client.log_field("bytes_out"), std::to_string(received.size()));
        EXPECT_EQ(client.log_field("messages_out"), "30");
        expect_sums(before);
        expect_sums(after);
        EXPECT_EQ(client.wire.breach(), "");
      }
    }
  }
}

TEST(Moves, AHalfClosedClientGetsItsRepliesInTheNewProcess) {
  for (const Slow& slow : slow_talks()) {
    ServerSettings settings = settings_for("echo", slow.protocol);
    settings.limits.queue_soft = 100;
    TestShard before(std::move(settings));
    TestShard after(settings_for("echo", slow.protocol));
    TestClient& client = before.connect({.kernel_bytes_max = 20, .client_reads = false});
    client.sends(slow.stream).ends();
    ASSERT_EQ(after.take_over_from(before), 1U);
    for (int i = 0; i < 400; ++i) client.takes(10);
    EXPECT_TRUE(std::string_view(client.received()).ends_with(slow.replies));
    EXPECT_TRUE(client.wire.saw_end());
    EXPECT_EQ(client.reason(), "peer_closed");
  }
}

// ---- Who goes when

TEST(Moves, ARestingClientOfEveryKindGoesAtOnce) {
  TestShard before(settings_for("echo", ListenerProtocol::automatic));
  TestShard after(settings_for("echo", ListenerProtocol::automatic));
  before.connect();
  before.connect().sends("a\n");
  before.connect().sends(client::len32("a"));
  before.connect().sends(client::kPreface + request(1, "a"));
  before.connect().sends("half a line");
  EXPECT_EQ(after.take_over_from(before), 5U);
  EXPECT_EQ(before.shard().connections(), 0U);
  EXPECT_EQ(before.shard().counters().handed_over, 5U);
  EXPECT_EQ(after.shard().counters().taken_over, 5U);
  EXPECT_EQ(after.shard().counters().open, 5U);
  EXPECT_TRUE(before.session_log.events.empty()) << "the last owner writes the line";
}

TEST(Moves, ABatchHasABoundAndTheWalkGoesOn) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  for (int i = 0; i < 10; ++i) before.connect().sends("a\n");
  EXPECT_EQ(after.take_over_from(before, 4), 4U);
  EXPECT_EQ(after.take_over_from(before, 4), 4U);
  EXPECT_EQ(after.take_over_from(before, 4), 2U);
  EXPECT_EQ(after.take_over_from(before, 4), 0U);
}

TEST(Moves, ARefusedOneIsNotAskedAgainAndAReturnedOneIs) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  TestClient& returned = before.connect();
  TestClient& refused = before.connect();
  const auto fate = [&](const SessionState& state) {
    return state.id == returned.id() ? Departed::Fate::returned : Departed::Fate::refused;
  };
  EXPECT_EQ(after.take_over_from(before, 10, fate), 0U);
  returned.sends("a\n");
  refused.sends("b\n");
  EXPECT_EQ(returned.received(), "a\n");
  EXPECT_EQ(refused.received(), "b\n");
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(before.shard().connections(), 1U);
  EXPECT_EQ(refused.sends("c\n").received(), "b\nc\n");
  EXPECT_EQ(returned.sends("d\n").received(), "a\nd\n");
}

TEST(Moves, WhoComesBehindAWalkThatHasFoundNobodyIsAskedInTheNext) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  before.connect().sends("a\n");
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(after.take_over_from(before), 0U);
  before.connect().sends("b\n");  // in the place of the first
  EXPECT_EQ(after.take_over_from(before), 1U);
}

TEST(Moves, ARefusedOneIsAskedAgainByTheNextUpgrade) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  before.connect().sends("a\n");
  after.take_over_from(before, 10, [](const SessionState&) { return Departed::Fate::refused; });
  EXPECT_EQ(after.take_over_from(before), 0U);
  before.in_turn([&] { before.shard().begin_walk(); });
  EXPECT_EQ(after.take_over_from(before), 1U);
}

TEST(Moves, ASessionOfTheOlderSettingsKeepsThem) {
  const auto answering = [](const char* text) {
    ServerSettings settings = settings_for("reply", ListenerProtocol::text);
    settings.services.front()->text = text;
    return settings;
  };
  TestShard before(answering("older"));
  TestShard after(answering("newer"));
  after.older_settings = std::make_shared<const ServerSettings>(answering("older"));
  TestClient& client = before.connect();
  client.sends("a\n");
  EXPECT_EQ(client.news(), "older\n");
  after.in_turn([&] { EXPECT_EQ(after.shard().add_older_settings(after.older_settings), ""); });
  EXPECT_EQ(after.take_over_from(before), 1U);
  after.in_turn([&] { after.shard().forget_old_settings(); });
  client.sends("b\n");
  EXPECT_EQ(client.news(), "older\n");
  TestClient& later = after.connect();
  later.sends("c\n");
  EXPECT_EQ(later.news(), "newer\n");
}

// Its requests of the next turn are still to come when it is halted.
TEST(Moves, ATurnThatWasDueIsNotLost) {
  for (const auto fate : {Departed::Fate::taken, Departed::Fate::returned}) {
    const auto settings = [] {
      ServerSettings all = settings_for("echo", ListenerProtocol::text);
      all.limits.requests_per_turn = 1;
      return all;
    };
    TestShard before(settings());
    TestShard after(settings());
    TestClient& client = before.connect();
    client.wire.send("1\n2\n3\n4\n");
    const std::size_t count = after.take_over_from(
        before, 10,
        [fate](const SessionState& state) {
          EXPECT_EQ(state.input, "2\n3\n4\n");
          return fate;
        },
        [&] { client.wire.run_event(); });
    EXPECT_EQ(count, fate == Departed::Fate::taken ? 1U : 0U);
    EXPECT_EQ(client.received(), "1\n2\n3\n4\n");
    EXPECT_EQ(client.wire.breach(), "");
  }
}

// A read that was pending had taken bytes: they are answered first, then the client goes.
TEST(Moves, BytesThatCameBeforeTheHaltAreServedHere) {
  for (const auto protocol : {ListenerProtocol::text, ListenerProtocol::automatic}) {
    TestShard before(settings_for("echo", protocol));
    TestShard after(settings_for("echo", protocol));
    TestClient& client = before.connect({.halt_finds_bytes = true});
    client.wire.send("a\nb");
    EXPECT_EQ(after.take_over_from(before), 1U);
    EXPECT_EQ(client.received(), "a\n");
    EXPECT_EQ(before.shard().counters().handed_over, 1U);
    client.sends("c\n");
    EXPECT_EQ(client.received(), "a\nbc\n");
    EXPECT_EQ(client.wire.breach(), "");
  }
}

TEST(Moves, NothingHappensToASessionThatIsOnItsWay) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestClient& client = before.connect({.kernel_bytes_max = 3, .client_reads = false});
  client.sends("a reply\nhalf");
  std::vector<Departing> ready;
  before.in_turn([&] {
    before.shard().begin_moves(10, [&](std::vector<Departing> found) { ready = std::move(found); });
  });
  ASSERT_EQ(ready.size(), 1U);
  client.wire.send(" of it\n");
  client.takes(100);
  before.advance(3600s);  // idle, write and message would all be due
  EXPECT_EQ(client.received(), "a r");
  EXPECT_EQ(before.shard().output().used_bytes(), 0U) << "memory would choose it";
  EXPECT_EQ(before.shard().connections(), 1U);
  before.in_turn([&] { before.shard().end_moves({{ready.front().id, Departed::Fate::returned}}); });
  for (int i = 0; i < 20; ++i) client.takes(10);
  EXPECT_EQ(client.received(), "a reply\nhalf of it\n");
}

TEST(Moves, ASilentClientThatLeavesIsTranscribedOnce) {
  const auto settings = [] {
    ServerSettings all = settings_for("echo", ListenerProtocol::automatic);
    all.services.front()->transcript.on_connect = "hello";
    all.services.front()->transcript.on_close = "bye";
    return all;
  };
  TestShard before(settings());
  TestShard after(settings());
  TestClient& client = before.connect();
  EXPECT_EQ(after.take_over_from(before), 1U);
  client.ends();
  EXPECT_EQ(before.transcript.lines, std::vector<std::string>{"hello"});
  EXPECT_EQ(after.transcript.lines, std::vector<std::string>{"bye"});
  EXPECT_EQ(client.reason(), "eof_before_data");
}

TEST(Moves, WhoeverEndsOrIsRefusedStays) {
  ServerSettings settings = settings_for("echo", ListenerProtocol::text);
  settings.services.front()->close_after = 1;
  TestShard before(std::move(settings));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  before.connect().sends("a\n");  // lingers
  before.connect({}, 0, CloseReason::server_full);
  before.connect({.descriptor = -1});
  EXPECT_EQ(after.take_over_from(before), 0U);
  EXPECT_EQ(before.shard().connections(), 3U);
}

TEST(Moves, MoreThanAMebibyteStaysUntilItIsLess) {
  const auto settings = [] {
    ServerSettings all = settings_for("echo", ListenerProtocol::text);
    all.limits.max_message = 8U << 20;
    return all;
  };
  TestShard before(settings());
  TestShard after(settings());
  TestClient& client = before.connect();
  client.sends(std::string(kCarriedBytesMax + 1, 'x'));
  EXPECT_EQ(after.take_over_from(before), 0U);
  client.sends("\n");
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(client.received(), std::string(kCarriedBytesMax + 1, 'x') + "\n");

  TestClient& just = before.connect();
  just.sends(std::string(kCarriedBytesMax, 'y'));
  EXPECT_EQ(after.take_over_from(before), 1U);
  just.sends("\n");
  EXPECT_EQ(just.received(), std::string(kCarriedBytesMax, 'y') + "\n");
}

TEST(Moves, ADownloadAndPendingFileRequestsStayAndTheClientGoesBehindThem) {
  const auto settings = [] { return settings_for("file", ListenerProtocol::automatic); };
  TestShard before(settings());
  TestShard after(settings());
  before.files.add("big", std::string(100'000, 'f'));
  TestClient& text = before.connect({.kernel_bytes_max = 1000, .client_reads = false});
  text.sends("big\n");
  TestClient& framed = before.connect({.kernel_bytes_max = 1000, .client_reads = false});
  framed.sends(client::kPreface + request(1, "big"));
  TestClient& resting = before.connect();
  resting.sends(client::kPreface + frame(client::stat, 0, 1, "big"));
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(before.shard().connections(), 2U);
  for (int i = 0; i < 200; ++i) {
    text.takes(1000);
    framed.takes(1000);
  }
  EXPECT_EQ(text.received(), std::string(100'000, 'f'));
  EXPECT_EQ(after.take_over_from(before), 1U) << "its file is sent";
  after.files.add("big", "another");
  resting.sends(frame(client::stat, 0, 2, "big"));
  EXPECT_EQ(client::parse(resting.received()).frames.back().id, 2U);
}

TEST(Moves, NobodyGoesWhileTheDaemonStops) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  before.connect().sends("a\n");
  before.begin_drain();
  EXPECT_EQ(after.take_over_from(before), 0U);
}

// ---- What becomes of deadlines

TEST(Moves, TimeGoesOnWhereItWas) {
  TestShard before(settings_for("echo", ListenerProtocol::automatic, Boundary::automatic));
  TestShard after(settings_for("echo", ListenerProtocol::automatic, Boundary::automatic));
  after.skip_clock(777s);
  TestClient& idle = before.connect();
  idle.sends("a\n");
  before.advance(599s);
  EXPECT_EQ(after.take_over_from(before), 1U);
  after.advance(900ms);
  EXPECT_EQ(idle.reason(), "");
  after.advance(2s + 200ms);
  EXPECT_EQ(idle.reason(), "idle_timeout");
  EXPECT_EQ(idle.log_field("ms").substr(0, 3), "602") << "from the real connect to the end";
}

TEST(Moves, APauseEndsAMessageThatWasBegunBefore) {
  const auto settings = [] {
    ServerSettings all = settings_for("echo", ListenerProtocol::automatic, Boundary::automatic);
    all.services.front()->text_rules.pause = 500ms;
    return all;
  };
  // A decided client, and one whose first bytes may be anything.
  for (const std::string begin : {"hello", "\xff"}) {
    TestShard before(settings());
    TestShard after(settings());
    TestClient& client = before.connect();
    client.sends(begin);
    before.advance(400ms);
    EXPECT_EQ(after.take_over_from(before), 1U);
    EXPECT_EQ(client.received(), "");
    after.advance(120ms);
    EXPECT_EQ(client.received(), begin);
  }
}

TEST(Moves, AMessageTakesNoLongerForBeingMoved) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  TestClient& client = before.connect();
  client.sends("half");
  before.advance(29s);
  EXPECT_EQ(after.take_over_from(before), 1U);
  after.advance(1s + 200ms);
  EXPECT_TRUE(client.wire.saw_end());
  client.ends();
  EXPECT_EQ(client.reason(), "message_timeout");
}

TEST(Moves, ASilentClientIsGreetedAfterTheMove) {
  const auto settings = [] {
    ServerSettings all = settings_for("echo", ListenerProtocol::automatic);
    all.services.front()->greeting = "hello";
    return all;
  };
  TestShard before(settings());
  TestShard after(settings());
  TestClient& client = before.connect();
  before.advance(50ms);
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(client.received(), "");
  after.advance(100ms);
  EXPECT_EQ(client.received(), "hello\n");
}

TEST(Moves, WithoutMemoryASessionEndsInTheNewProcessAlone) {
  TestShard before(settings_for("echo", ListenerProtocol::text));
  TestShard after(settings_for("echo", ListenerProtocol::text));
  TestClient& client = before.connect();
  client.sends("half a line");
  client.wire.conditions.start_fails = true;
  EXPECT_EQ(after.take_over_from(before), 1U);
  EXPECT_EQ(client.reason(), "internal_error");
  expect_sums(before);
  expect_sums(after);
}

// ---- The place in another configuration

TEST(Place, IsOneOfTheSameListenerProtocolServiceAndLimit) {
  TestShard before(settings_for("echo", ListenerProtocol::automatic));
  before.connect().sends("a\n");
  before.connect();
  std::vector<SessionState> states;
  TestShard nowhere(settings_for("echo", ListenerProtocol::automatic));
  nowhere.take_over_from(before, 10, [&](const SessionState& state) {
    states.push_back(state);
    return Departed::Fate::returned;
  });
  ASSERT_EQ(states.size(), 2U);
  const SessionState& text = states[0];
  const SessionState& undecided = states[1];

  const auto judged = [&](const SessionState& state, auto change) {
    ServerSettings settings = settings_for("echo", ListenerProtocol::automatic);
    change(settings);
    return judge_place(state, settings);
  };
  using enum HandoverRefusal;
  EXPECT_EQ(judged(text, [](auto&) {}), none);
  EXPECT_EQ(judged(undecided, [](auto&) {}), none);
  const auto renamed = [](ServerSettings& all) { all.listeners.front()->name = "other"; };
  EXPECT_EQ(judged(text, renamed), no_listener);
  EXPECT_EQ(judged(undecided, renamed), no_listener);
  const auto text_only = [](ServerSettings& all) {
    all.listeners.front()->protocol = ListenerProtocol::text;
  };
  EXPECT_EQ(judged(text, text_only), none);
  EXPECT_EQ(judged(undecided, text_only), no_listener);
  EXPECT_EQ(judged(text,
                   [](ServerSettings& all) {
                     all.listeners.front()->protocol = ListenerProtocol::framed;
                   }),
            no_listener);
  EXPECT_EQ(judged(text, [](ServerSettings& all) { all.services.front()->type = "discard"; }),
            no_service);
  EXPECT_EQ(judged(text, [](ServerSettings& all) { all.services.front()->name = "other"; }),
            no_service);
  EXPECT_EQ(judged(text, [](ServerSettings& all) { all.limits.max_message -= 1; }), smaller_limit);
  EXPECT_EQ(judged(text, [](ServerSettings& all) { all.limits.max_message += 1; }), none);
  EXPECT_EQ(judged(undecided, [](ServerSettings& all) { all.limits.max_message -= 1; }), none);
}

TEST(Place, TheLongestMessagePromisedStaysWhatItWas) {
  TestShard before(settings_for("echo", ListenerProtocol::framed));
  ServerSettings larger = settings_for("echo", ListenerProtocol::framed);
  larger.limits.max_message *= 2;
  TestShard after(std::move(larger));
  TestClient& client = before.connect();
  client.sends(client::kPreface);
  EXPECT_EQ(after.take_over_from(before), 1U);
  client.sends(client::number((1U << 20) + 1, 4) + std::string("\5\0\0\0\0\0\0\1", 8));
  client.ends();
  EXPECT_EQ(client.reason(), "protocol_error");
}

}  // namespace
}  // namespace fairlead
