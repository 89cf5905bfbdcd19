// The file frames, as a client that knows docs/protocol.md alone would use them, over files in
// memory that answer now, later or never.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/hash/sha256.hpp"
#include "common/protocol/limits.hpp"
#include "tests/support/client_frames.hpp"
#include "tests/support/test_shard.hpp"

namespace fairlead {
namespace {

using namespace std::chrono_literals;
using client::number;
using client::Received;
using Frames = std::vector<Received>;

constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::string pattern(std::size_t bytes) {
  std::string content(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i * 31 + i / 251);
  return content;
}

std::string raw(const FileIdentity& identity) {
  return number(identity.device, 8) + number(identity.inode, 8) + number(identity.size, 8) +
         number(static_cast<std::uint64_t>(identity.mtime_ns), 8) +
         number(static_cast<std::uint64_t>(identity.ctime_ns), 8);
}

std::string get(std::uint64_t id, std::string_view name, std::uint64_t offset = 0,
                std::uint64_t length = kAll, const FileIdentity& identity = {},
                std::uint64_t channel = 0) {
  return client::frame(client::get, channel, id,
                       number(offset, 8) + number(length, 8) + raw(identity) + std::string(name));
}
std::string stat(std::uint64_t id, std::string_view name, std::uint64_t channel = 0) {
  return client::frame(client::stat, channel, id, name);
}
std::string list(std::uint64_t id, std::string_view directory, std::uint64_t most = 0,
                 std::string_view after = {}) {
  return client::frame(
      client::list, 0, id,
      number(most, 2) + number(after.size(), 2) + std::string(after) + std::string(directory));
}
std::string hash(std::uint64_t id, std::string_view name, std::uint64_t first = 0,
                 std::uint64_t most = 0, const FileIdentity& identity = {}) {
  return client::frame(client::hash, 0, id,
                       number(first, 8) + number(most, 4) + raw(identity) + std::string(name));
}

Received error(std::uint64_t id, CloseReason code, std::uint64_t channel = 0) {
  return {client::error, channel, id,
          number(static_cast<std::uint64_t>(code), 4) + std::string(explanation_of(code))};
}

// What one GET came to.
struct Fetched {
  bool begun = false, ended = false;
  std::string begin, bytes;
  std::uint64_t said = 0;  // END
  std::uint64_t refused = 0;

  bool is_whole() const { return begun && ended && said == bytes.size(); }
};

Fetched fetched(const Frames& frames, std::uint64_t id) {
  Fetched all;
  for (const Received& frame : frames) {
    if (frame.id != id) continue;
    EXPECT_FALSE(all.ended || all.refused != 0) << "something behind the end";
    if (frame.type == client::begin) {
      EXPECT_FALSE(all.begun);
      all.begun = true;
      all.begin = frame.payload;
    } else if (frame.type == client::data) {
      EXPECT_TRUE(all.begun);
      EXPECT_FALSE(frame.payload.empty());
      EXPECT_LE(frame.payload.size(), kFileDataBytesMax);
      all.bytes += frame.payload;
    } else if (frame.type == client::end) {
      all.ended = true;
      all.said = client::number_in(frame.payload);
    } else if (frame.type == client::error) {
      all.refused = frame.code();
    }
  }
  return all;
}

class FileFrames : public testing::Test {
 protected:
  static ServerSettings settings() {
    ServerSettings settings = settings_for("file", ListenerProtocol::framed);
    ServiceSettings& echo = add_service(settings, "echo", "echo");
    settings.listeners.front()->offered_services.push_back(echo.name);
    return settings;
  }

  TestClient& connect(FakeConditions conditions = {}) {
    TestClient& client = shard.connect(conditions);
    client.sends(client::kPreface);
    return client;
  }
  // All frames but HELLO.
  static Frames said_to(const TestClient& client) {
    const auto stream = client::parse(client.received());
    EXPECT_EQ(stream.rest, "");
    return {stream.frames.begin() + 1, stream.frames.end()};
  }
  Frames answers(const std::string& requests) { return said_to(connect().sends(requests)); }
  void answer(std::size_t which = 0) {
    shard.in_turn([&] { shard.files.answer(which); });
  }

  TestShard shard{settings()};
};

TEST_F(FileFrames, StatTellsKindAndIdentity) {
  shard.files.add("dir/note", "hello");
  const FileIdentity identity = shard.files.identity("dir/note");
  EXPECT_EQ(answers(stat(1, "dir/note") + stat(2, "missing")),
            (Frames{{client::status, 0, 1, number(1, 1) + raw(identity)},
                    error(2, CloseReason::no_such_file)}));
  EXPECT_EQ(answers(stat(1, "dir"))[0].payload[0], 2);
}

TEST_F(FileFrames, ListTellsEntriesInPages) {
  shard.files.add("a", "12345");
  shard.files.add("b", "");
  shard.files.add("dir/inner", "x");
  const auto entry = [this](const std::string& name) {
    const FileIdentity identity = shard.files.identity(name);
    return number(1, 1) + number(identity.size, 8) +
           number(static_cast<std::uint64_t>(identity.mtime_ns), 8) + number(name.size(), 2) + name;
  };
  EXPECT_EQ(answers(list(1, "", 1) + list(2, "", 1, "a") + list(3, "nowhere")),
            (Frames{{client::listing, 0, 1, number(1, 1) + number(1, 2) + entry("a")},
                    {client::listing, 0, 2, number(1, 1) + number(1, 2) + entry("b")},
                    error(3, CloseReason::no_such_file)}));
  EXPECT_EQ(answers(list(1, "", 9, "b"))[0].payload, number(0, 1) + number(1, 2) + number(2, 1) +
                                                         number(0, 8) + number(0, 8) +
                                                         number(3, 2) + "dir");
}

TEST_F(FileFrames, GetBringsTheBytes) {
  for (const std::size_t size : {0, 1, 32 * 1024, 32 * 1024 + 1, 256 * 1024, 1'000'000}) {
    const std::string content = pattern(size);
    shard.files.add("file", content);
    const Frames frames = answers(get(1, "file"));
    const Fetched got = fetched(frames, 1);
    EXPECT_TRUE(got.is_whole());
    EXPECT_EQ(got.bytes, content);
    EXPECT_EQ(got.begin, raw(shard.files.identity("file")) + number(0, 8) + number(size, 8));
    EXPECT_EQ(shard.files.downloads, 0U);
  }
}

TEST_F(FileFrames, GetBringsAnyRange) {
  const std::string content = pattern(1000);
  shard.files.add("file", content);
  struct Row {
    std::uint64_t offset, length, comes;
  };
  for (const auto& [offset, length, comes] :
       {Row{0, 10, 10}, Row{990, 20, 10}, Row{1000, 5, 0}, Row{1001, 5, 0}, Row{5, 0, 0},
        Row{1, kAll, 999}, Row{kAll, kAll, 0}, Row{999, kAll - 1, 1}}) {
    const Frames frames = answers(get(1, "file", offset, length));
    const Fetched got = fetched(frames, 1);
    EXPECT_TRUE(got.is_whole()) << offset;
    EXPECT_EQ(got.bytes.size(), comes) << offset;
    EXPECT_EQ(got.begin.substr(40), number(offset, 8) + number(comes, 8));
    if (comes > 0) {
      EXPECT_EQ(got.bytes, content.substr(static_cast<std::size_t>(offset), got.bytes.size()));
    }
  }
}

TEST_F(FileFrames, GetAndHashKnowOneVersionFromAnother) {
  shard.files.add("file", "content");
  FileIdentity other = shard.files.identity("file");
  EXPECT_TRUE(fetched(answers(get(1, "file", 0, kAll, other)), 1).is_whole());
  ++other.mtime_ns;
  EXPECT_EQ(answers(get(1, "file", 0, kAll, other) + hash(2, "file", 0, 0, other)),
            (Frames{error(1, CloseReason::file_changed), error(2, CloseReason::file_changed)}));
}

TEST_F(FileFrames, HashTellsTheWholeAndTheChunks) {
  const std::string content = pattern(kFileChunkBytes + 10);
  shard.files.add("file", content);
  const auto sha = [](Bytes bytes) {
    Sha256 one;
    one.update(bytes);
    const auto digest = one.finish();
    return std::string(digest.data(), digest.size());
  };
  const std::string head =
      raw(shard.files.identity("file")) + number(kFileChunkBytes, 4) + sha(content);
  const std::string second = sha(Bytes(content).substr(kFileChunkBytes));
  EXPECT_EQ(answers(hash(1, "file", 1) + hash(2, "missing")),
            (Frames{{client::hashes, 0, 1, head + number(1, 8) + number(1, 4) + second},
                    error(2, CloseReason::no_such_file)}));
}

TEST_F(FileFrames, ASlowClientKeepsOneFrame) {
  const std::string content = pattern(2'000'000);
  shard.files.add("file", content);
  TestClient& client = connect({.kernel_bytes_max = 50'000, .client_reads = false});
  std::size_t queued_max = 0;
  shard.after_turn = [&] { queued_max = std::max(queued_max, client.queued_bytes()); };
  std::mt19937 random(1);
  client.sends(get(1, "file"));
  while (!fetched(client::parse(client.received()).frames, 1).ended)
    client.takes(1 + random() % 60'000);
  const Frames frames = said_to(client);
  EXPECT_EQ(fetched(frames, 1).bytes, content);
  EXPECT_TRUE(fetched(frames, 1).is_whole());
  EXPECT_LE(queued_max, kOfferedFrameBytes + 200);
  EXPECT_EQ(client.wire.breach(), "");
}

TEST_F(FileFrames, AChangeWhileItIsSentEndsAtAFrame) {
  const std::string before = pattern(1'000'000);
  for (const std::size_t size : {1'000'000U, 2'000'000U, 10U, 0U}) {
    shard.files.add("file", before);
    TestClient& client = connect({.kernel_bytes_max = 100'000, .client_reads = false});
    client.sends(get(1, "file") + stat(2, "file"));
    client.takes(50'000);
    shard.files.change("file", std::string(size, 'n'));
    for (int i = 0; i < 100; ++i) client.takes(90'000);
    const Frames frames = said_to(client);
    const Fetched got = fetched(frames, 1);
    EXPECT_EQ(got.refused, static_cast<std::uint64_t>(CloseReason::file_changed));
    EXPECT_FALSE(got.ended);
    EXPECT_EQ(got.bytes, before.substr(0, got.bytes.size())) << "never a mixture";
    EXPECT_EQ(frames.back().type, client::status) << "the connection goes on";
    EXPECT_EQ(shard.files.downloads, 0U);
  }
}

TEST_F(FileFrames, AFileCutShortUnnoticedIsNeverPadded) {
  shard.files.add_shrinking("file", pattern(100'000), 100'001);
  const Frames frames = answers(get(1, "file"));
  const Fetched got = fetched(frames, 1);
  EXPECT_EQ(got.refused, static_cast<std::uint64_t>(CloseReason::file_changed));
  EXPECT_EQ(got.bytes, pattern(100'000));
}

TEST_F(FileFrames, WhatIsNotInMemoryIsReadAhead) {
  const std::string content = pattern(700'000);
  shard.files.add("file", content);
  shard.files.chill("file", 300'000);
  shard.files.answers_at_once = false;
  TestClient& client = connect();
  client.sends(get(1, "file"));
  answer();
  TestClient& other = connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(shard.files.waiting(), 1U);
    EXPECT_EQ(client.received(), client.received()) << "nobody waits for the disk";
    other.sends(client::frame(client::ping, 0, 0, "now"));
    EXPECT_EQ(said_to(other).size(), static_cast<std::size_t>(i + 1));
    answer();
  }
  const Frames frames = said_to(client);
  EXPECT_TRUE(fetched(frames, 1).is_whole());
  EXPECT_EQ(fetched(frames, 1).bytes, content);
}

TEST_F(FileFrames, AnswersOfAChannelAreInOrderAndOthersPassBy) {
  shard.files.add("big", pattern(300'000));
  shard.files.add("small", "s");
  TestClient& client = connect({.kernel_bytes_max = 40'000, .client_reads = false});
  client.sends(client::frame(client::open, 1, 1, "file") +
               client::frame(client::open, 2, 2, "echo") + get(3, "big") + stat(4, "small") +
               get(5, "small", 0, kAll, {}, 1) + client::request(6, "aside", 2) +
               client::frame(client::ping, 0, 0, "p"));
  for (int i = 0; i < 100; ++i) client.takes(20'000);
  const Frames frames = said_to(client);
  const auto at = [&frames](int type, std::uint64_t id) {
    return std::find_if(
               frames.begin(), frames.end(),
               [&](const Received& frame) { return frame.type == type && frame.id == id; }) -
           frames.begin();
  };
  EXPECT_TRUE(fetched(frames, 3).is_whole());
  EXPECT_TRUE(fetched(frames, 5).is_whole());
  EXPECT_LT(at(client::end, 3), at(client::status, 4)) << "the same channel";
  EXPECT_LT(at(client::end, 5), at(client::end, 3)) << "another one";
  EXPECT_LT(at(client::reply, 6), at(client::end, 3));
  EXPECT_LT(at(client::pong, 0), at(client::end, 3));
}

TEST_F(FileFrames, TheDiskMayAnswerInAnyOrder) {
  shard.files.add("file", "content");
  shard.files.answers_at_once = false;
  TestClient& client = connect();
  std::string opens;
  for (std::uint64_t i = 1; i <= 8; ++i) opens += client::frame(client::open, i, i, "file");
  std::string stats;
  for (std::uint64_t i = 1; i <= 8; ++i) stats += stat(10 + i, "file", i);
  client.sends(opens + stats);
  ASSERT_EQ(shard.files.waiting(), 8U);
  std::mt19937 random(7);
  while (shard.files.waiting() > 0) answer(random() % shard.files.waiting());
  Frames frames = said_to(client);
  ASSERT_EQ(frames.size(), 16U);
  for (std::size_t i = 8; i < 16; ++i) {
    EXPECT_EQ(frames[i].type, client::status);
    EXPECT_EQ(frames[i].id, frames[i].channel + 10);
  }
}

TEST_F(FileFrames, AnAnswerForWhoHasGoneIsDropped) {
  shard.files.add("file", pattern(100));
  shard.files.answers_at_once = false;
  connect().sends(get(1, "file")).fails(StreamError::reset);
  EXPECT_EQ(shard.files.waiting(), 0U) << "given up";
  TestClient& client = connect();
  client.sends(client::frame(client::open, 1, 1, "file") + get(2, "file", 0, kAll, {}, 1) +
               client::frame(client::close, 1, 0) + stat(3, "file"));
  ASSERT_EQ(shard.files.waiting(), 1U) << "CLOSE takes back what is not answered";
  answer();
  const Frames frames = said_to(client);
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[1], error(2, CloseReason::peer_closed, 1));
  EXPECT_EQ(frames[2].type, client::close);
  EXPECT_EQ(frames[3].type, client::status);
  EXPECT_EQ(shard.files.downloads, 0U);
}

TEST_F(FileFrames, WhoLeavesGetsWhatItIsOwed) {
  shard.files.add("file", pattern(100'000));
  shard.files.answers_at_once = false;
  TestClient& half = connect();
  half.sends(get(1, "file") + stat(2, "file")).ends();
  TestClient& polite = connect();
  polite.sends(stat(1, "file") + client::frame(client::close, 0, 0));
  EXPECT_FALSE(half.wire.is_over() || polite.wire.is_over());
  while (shard.files.waiting() > 0) answer();
  EXPECT_TRUE(fetched(said_to(half), 1).is_whole());
  EXPECT_EQ(said_to(half).back().type, client::status);
  EXPECT_EQ(half.reason(), "peer_closed");
  EXPECT_EQ(said_to(polite).size(), 1U);
  EXPECT_TRUE(polite.wire.saw_end());
}

// Whatever arrives with what, and whenever the answers come.
TEST_F(FileFrames, WhoBreaksTheRulesGetsWhatItHadAskedBefore) {
  shard.files.add("file", pattern(1000));
  const std::string asked = get(1, "file") + stat(2, "file");
  const std::string wrong[] = {stat(2, "file"), client::frame(client::list, 0, 3, "x"),
                               client::frame(client::ping, 0, 0, std::string(33, 'p')),
                               number(3, 4) + "????"};
  for (const std::string& broken : wrong) {
    const std::string requests = asked + broken + stat(9, "file");
    shard.files.answers_at_once = true;
    const Frames whole = answers(requests);
    EXPECT_TRUE(fetched(whole, 1).is_whole());
    EXPECT_EQ(whole.back().code(), 12U);
    shard.files.answers_at_once = false;
    for (std::size_t cut = 0; cut <= requests.size(); ++cut) {
      const Bytes bytes(requests);
      TestClient& client = connect();
      client.sends_pieces({bytes.substr(0, cut), bytes.substr(cut)});
      while (shard.files.waiting() > 0) answer();
      ASSERT_EQ(said_to(client), whole) << cut;
      client.ends();
      EXPECT_EQ(client.reason(), "protocol_error");
    }
  }
}

TEST_F(FileFrames, ADrainWaitsForAnswersAndTheDeadlineForNone) {
  shard.files.add("file", pattern(100'000));
  shard.files.answers_at_once = false;
  TestClient& served = connect();
  served.sends(stat(1, "file"));
  TestClient& stuck = connect();
  stuck.sends(get(1, "file"));
  shard.begin_drain();
  EXPECT_FALSE(served.wire.is_over());
  answer();
  EXPECT_EQ(said_to(served)[0].type, client::status);
  EXPECT_EQ(said_to(served)[1].type, client::goaway);
  EXPECT_TRUE(served.wire.saw_end());
  shard.evict_all();
  const Frames frames = said_to(stuck);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0], error(1, CloseReason::draining));
  EXPECT_EQ(frames[1].type, client::goaway);
}

TEST_F(FileFrames, NobodyWhoIsOwedAnAnswerIsIdle) {
  shard.files.add("file", "content");
  shard.files.answers_at_once = false;
  TestClient& client = connect();
  client.sends(stat(1, "file"));
  shard.advance(700s);
  EXPECT_FALSE(client.wire.is_over());
  answer();
  EXPECT_EQ(said_to(client).size(), 1U);
  shard.advance(599s);
  EXPECT_FALSE(client.wire.is_over());
  shard.advance(2s);
  EXPECT_TRUE(client.wire.is_over());
}

TEST_F(FileFrames, WithManyRequestsUnansweredAClientIsNotRead) {
  shard.files.add("file", "content");
  shard.files.answers_at_once = false;
  TestClient& client = connect();
  std::string requests;
  for (std::uint64_t id = 1; id <= 40; ++id) requests += stat(id, "file");
  client.sends(requests + client::frame(client::ping, 0, 0));
  EXPECT_TRUE(client.wire.is_paused());
  EXPECT_EQ(shard.files.waiting(), 1U) << "one of a channel at a time";
  while (shard.files.waiting() > 0) answer();
  const Frames frames = said_to(client);
  EXPECT_EQ(frames.size(), 41U);
  EXPECT_FALSE(client.wire.is_paused());
}

TEST_F(FileFrames, TooManyDownloadsAndABusyDiskAreSaid) {
  shard.files.add("file", pattern(200'000));
  shard.files.downloads_max = 1;
  TestClient& slow = connect({.kernel_bytes_max = 1000, .client_reads = false});
  slow.sends(get(1, "file"));
  EXPECT_EQ(answers(get(1, "file") + stat(2, "file"))[0], error(1, CloseReason::server_full));
  slow.fails(StreamError::reset);
  EXPECT_TRUE(fetched(answers(get(1, "file")), 1).is_whole());
  shard.files.is_busy = true;
  EXPECT_EQ(answers(stat(1, "file")), (Frames{error(1, CloseReason::server_full)}));
}

TEST_F(FileFrames, WrongRequests) {
  EXPECT_EQ(answers(client::frame(client::open, 1, 1, "echo") + stat(2, "file", 1) +
                    stat(3, "file", 9) + client::request(4, "x", 1)),
            (Frames{{client::opened, 1, 1, ""},
                    error(2, CloseReason::unknown_service, 1),
                    error(3, CloseReason::no_such_channel, 9),
                    {client::reply, 1, 4, "x"}}));
  for (const int type : {client::list, client::get, client::hash}) {
    const Frames frames = answers(client::frame(type, 0, 1, "x") + stat(2, "file"));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, number(12, 4) + "bad file request");
  }
  EXPECT_EQ(answers(stat(1, std::string(100'000, 'x'))),
            (Frames{error(1, CloseReason::no_such_file)}));
  EXPECT_EQ(answers(stat(2, "x") + stat(2, "x")).back().payload,
            number(12, 4) + "request ids must increase");
}

TEST_F(FileFrames, AnySplitOfTheRequestsBringsTheSame) {
  shard.files.add("file", pattern(70'000));
  shard.files.add("dir/a", "1");
  const std::string requests = stat(1, "file") + list(2, "dir") + get(3, "file", 5, 40'000) +
                               hash(4, "file") + get(5, "missing") + stat(6, "dir");
  const Frames whole = answers(requests);
  EXPECT_TRUE(fetched(whole, 3).is_whole());
  for (std::size_t cut = 0; cut <= requests.size(); ++cut) {
    const Bytes bytes(requests);
    TestClient& client = connect();
    client.sends_pieces({bytes.substr(0, cut), bytes.substr(cut)});
    ASSERT_EQ(said_to(client), whole) << cut;
  }
}

TEST(FileRate, IsKeptByEachDownload) {
  ServerSettings settings = settings_for("file", ListenerProtocol::framed);
  settings.services.front()->file.max_rate = 100'000;
  TestShard shard(std::move(settings));
  shard.files.add("file", pattern(300'000));
  TestClient& client = shard.connect();
  client.sends(client::kPreface + get(1, "file") + stat(2, "file"));
  const auto got = [&client] { return fetched(client::parse(client.received()).frames, 1); };
  EXPECT_LE(got().bytes.size(), 10'000U);
  for (int second = 1; second <= 2; ++second) {
    shard.advance(1s);
    EXPECT_GE(got().bytes.size(), 90'000U * static_cast<unsigned>(second));
    EXPECT_LE(got().bytes.size(), 110'000U * static_cast<unsigned>(second));
  }
  TestClient& other = shard.connect();
  other.sends(client::kPreface + get(1, "file"));
  other.fails(StreamError::reset);
  shard.advance(2s);
  EXPECT_TRUE(got().is_whole());
}

TEST_F(FileFrames, ManyDownloadsShareATurn) {
  shard.files.add("file", pattern(3'000'000));
  std::vector<TestClient*> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(&connect());
  std::size_t most = 0;
  std::uint64_t before = 0;
  shard.after_turn = [&] {
    std::uint64_t sent = 0;
    for (const TestClient* client : clients) sent += client->wire.sent_bytes();
    most = std::max(most, static_cast<std::size_t>(sent - before));
    before = sent;
  };
  for (TestClient* client : clients) client->wire.send(get(1, "file"));
  shard.settle();
  for (const TestClient* client : clients) EXPECT_TRUE(fetched(said_to(*client), 1).is_whole());
  EXPECT_LE(most, (std::size_t{1} << 20) + 600 * 1024);
}

}  // namespace
}  // namespace fairlead
