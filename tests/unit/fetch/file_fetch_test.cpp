#include "client/fetch/file_fetch.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/fetch/model_server.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

struct FetchTest : testing::Test, FetchObserver {
  // A request, and what of its answer has not arrived.
  struct Asked {
    std::unique_ptr<FetchTask> task;
    std::deque<ModelServer::Sent> coming;
  };

  void begin() {
    FetchObserver& self = *this;
    fetch = std::make_unique<FileFetch>("name", target, settings, self);
    while (fetch->check_leftover()) {
    }
  }
  bool ask(std::unique_ptr<FetchTask> task) {
    if (!task) return false;
    auto coming = server.answer(*task);
    asked.push_back({std::move(task), std::move(coming)});
    return true;
  }
  void ask_all() {
    while (ask(fetch->next_bytes())) {
    }
    while (ask(fetch->next_hashes())) {
    }
  }
  // Lets one frame of the answer arrive; false: the server would be cut off for it.
  bool deliver(std::size_t index) {
    Asked& one = asked[index];
    const ModelServer::Sent sent = std::move(one.coming.front());
    one.coming.pop_front();
    if (sent.type == FrameType::error) {
      if (!fetch->on_error(*one.task, static_cast<CloseReason>(sent.payload[0]), ""))
        fetch->give_back(*one.task);
      asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(index));
      return true;
    }
    const auto got = fetch->on_frame(*one.task, {.type = sent.type, .payload = sent.payload});
    if (got == FileFetch::Answer::wrong) return false;
    EXPECT_EQ(got == FileFetch::Answer::last, one.coming.empty());
    if (got == FileFetch::Answer::last)
      asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(index));
    return true;
  }
  void lose_connection() {
    for (Asked& one : asked) fetch->give_back(*one.task);
    asked.clear();
  }
  void run() {
    for (ask_all(); !asked.empty() && !outcome; ask_all()) ASSERT_TRUE(deliver(0));
  }
  void fetch_all() {
    begin();
    run();
  }

  void on_changed(std::string_view) override { ++changes; }
  void on_damaged(std::uint64_t chunks) override { damaged += chunks; }
  void on_more() override {}
  void on_ended(const FetchOutcome& how) override {
    EXPECT_FALSE(outcome) << "told twice";
    outcome = how;
  }

  FileFetch::Settings settings;
  MemoryTarget target;
  ModelServer server;
  std::unique_ptr<FileFetch> fetch;
  std::vector<Asked> asked;
  std::optional<FetchOutcome> outcome;
  int changes = 0;
  std::uint64_t damaged = 0;
};

TEST_F(FetchTest, FilesOfEverySizeArriveWholeAndVerified) {
  for (const std::size_t size : {0UL, 1UL, kMiB - 1, kMiB, kMiB + 1, 3 * kMiB + 5, 33 * kMiB}) {
    SCOPED_TRACE(size);
    outcome.reset();
    target = {};
    server.store(patterned(size, size));
    fetch_all();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->end, FetchEnd::complete);
    EXPECT_TRUE(target.bytes == server.bytes());
    EXPECT_EQ(target.finished, 1);
    EXPECT_EQ(target.written, size) << "no byte comes twice";
  }
}

TEST_F(FetchTest, SeveralConnectionsShareEvenASmallFile) {
  settings.shares = 4;
  server.store(patterned(5 * kMiB, 1));
  begin();
  ask(fetch->next_hashes());
  ASSERT_TRUE(deliver(0));
  ask_all();
  EXPECT_GE(asked.size(), 4U);
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
}

TEST_F(FetchTest, ARequestMayBeForLessThanAChunk) {
  for (const std::size_t size : {0UL, 1UL, 1000UL, kMiB, 2 * kMiB + 5}) {
    for (const std::uint64_t bytes_max : {1000UL, kMiB - 1, kMiB, 3 * kMiB / 2}) {
      for (const bool is_stream : {false, true}) {
        SCOPED_TRACE(testing::Message() << size << " by " << bytes_max << " " << is_stream);
        outcome.reset();
        target = {};
        target.is_stream_ = is_stream;
        server.store(patterned(size, size));
        begin();
        while (!outcome) {
          if (auto task = fetch->next_bytes(bytes_max)) {
            EXPECT_LE(read_payload<GetRequest>(task->payload)->length, bytes_max);
            ask(std::move(task));
          }
          ask(fetch->next_hashes());
          while (!asked.empty() && !outcome) ASSERT_TRUE(deliver(0));
        }
        EXPECT_EQ(outcome->end, FetchEnd::complete);
        EXPECT_TRUE(target.bytes == server.bytes());
        EXPECT_EQ(target.written, size) << "no byte comes twice";
      }
    }
  }
}

TEST_F(FetchTest, NothingIsFinishedBeforeItsHashesArrive) {
  server.store(patterned(2 * kMiB, 1));
  begin();
  ask(fetch->next_bytes());
  while (!asked.empty()) ASSERT_TRUE(deliver(0));
  EXPECT_EQ(fetch->here_bytes(), 2 * kMiB);
  EXPECT_EQ(target.finished, 0);
  run();
  EXPECT_EQ(target.finished, 1);
}

TEST_F(FetchTest, StoredBytesAreHashedAndOnlyTheRestIsFetched) {
  server.store(patterned(6 * kMiB, 1));
  std::string there = server.bytes();
  there[2 * kMiB + 7] ^= 1;
  there.resize(4 * kMiB + 9);
  target.hold(there, server.identity());
  target.earlier.right = {0, 1, 2, 3};
  fetch_all();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
  EXPECT_EQ(target.written, 3 * kMiB);
  EXPECT_EQ(fetch->resumed_bytes(), 3 * kMiB);
  EXPECT_EQ(damaged, 1U);
  EXPECT_EQ(changes, 0);
}

TEST_F(FetchTest, ChunksOfAnotherVersionAreKeptIfTheirHashAgrees) {
  server.store(patterned(4 * kMiB, 1));
  target.hold(server.bytes().substr(0, 3 * kMiB), server.identity());
  std::string appended = server.bytes() + "more";
  appended[0] ^= 1;
  server.store(appended);
  fetch_all();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
  EXPECT_EQ(changes, 1) << "the user is told";
  EXPECT_EQ(target.written, 2 * kMiB + 4);
}

TEST_F(FetchTest, WithoutRestartsAChangedFileEndsTheFetch) {
  settings.restarts = false;
  server.store(patterned(2 * kMiB, 1));
  target.hold(server.bytes().substr(0, kMiB), server.identity());
  server.store(patterned(2 * kMiB, 2));
  fetch_all();
  EXPECT_EQ(outcome->end, FetchEnd::changed);
  EXPECT_EQ(target.begun, 0);
  EXPECT_EQ(target.left, 1);
}

TEST_F(FetchTest, AFileThatChangesMeanwhileIsFetchedAgain) {
  server.store(patterned(40 * kMiB, 1));
  begin();
  ask(fetch->next_bytes());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(deliver(0));
  server.store(patterned(3 * kMiB, 2));
  asked[0].coming = {
      {FrameType::error, std::string(1, static_cast<char>(CloseReason::file_changed))}};
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
  EXPECT_EQ(changes, 1);
}

TEST_F(FetchTest, AFileThatKeepsChangingIsGivenUp) {
  settings.changes_max = 3;
  server.store(patterned(kMiB, 1));
  begin();
  for (int i = 0; i < 10 && !outcome; ++i) {
    ask_all();
    server.store(patterned(kMiB, static_cast<std::uint64_t>(i)));
    while (!asked.empty() && !outcome) {
      asked[0].coming = {
          {FrameType::error, std::string(1, static_cast<char>(CloseReason::file_changed))}};
      ASSERT_TRUE(deliver(0));
    }
  }
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->end, FetchEnd::changed);
}

TEST_F(FetchTest, ABrokenConnectionLosesNoReceivedByte) {
  server.store(patterned(3 * kMiB, 1));
  begin();
  ask_all();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(deliver(0));
  lose_connection();
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_EQ(target.written, 3 * kMiB);
}

TEST_F(FetchTest, ADamagedChunkIsFetchedAgain) {
  server.store(patterned(3 * kMiB, 1));
  begin();
  ask_all();
  asked[0].coming[40].payload[5] ^= 1;
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
  EXPECT_EQ(target.written, 4 * kMiB);
}

TEST_F(FetchTest, ADamagedHashIsRequestedAgain) {
  server.store(patterned(3 * kMiB, 1));
  begin();
  ask_all();
  ASSERT_EQ(asked[1].task->type, FrameType::hash);
  asked[1].coming[0].payload.back() ^= 1;
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
}

TEST_F(FetchTest, AChunkThatIsAlwaysDamagedEndsTheFetch) {
  server.store(patterned(kMiB, 1));
  begin();
  for (int i = 0; i < 100 && !outcome; ++i) {
    ask_all();
    for (Asked& one : asked)
      if (one.task->type == FrameType::get) one.coming[1].payload[0] ^= 1;
    while (!asked.empty() && !outcome) ASSERT_TRUE(deliver(0));
  }
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->end, FetchEnd::corrupt);
  EXPECT_EQ(target.finished, 0);
}

TEST_F(FetchTest, AChangeWithoutANewIdentityIsFoundByTheHashOfTheWhole) {
  server.page_chunks = 2;
  server.store(patterned(4 * kMiB, 1));
  begin();
  ask_all();
  while (asked.size() > 1) ASSERT_TRUE(deliver(0));  // all bytes
  ASSERT_TRUE(deliver(0));                           // and the first half of the hashes
  std::string other = server.bytes();
  other[0] ^= 1;
  server.store_unnoticed(other);
  run();
  EXPECT_EQ(outcome->end, FetchEnd::complete);
  EXPECT_TRUE(target.bytes == server.bytes());
  EXPECT_EQ(changes, 1);
}

TEST_F(FetchTest, AStreamIsVerifiedFirstAndNeverRestarted) {
  target.is_stream_ = true;
  server.store(patterned(9 * kMiB, 1));
  begin();
  EXPECT_FALSE(fetch->next_bytes()) << "hashes first";
  ask(fetch->next_hashes());
  ASSERT_TRUE(deliver(0));
  while (target.kept.empty()) {
    ask_all();
    ASSERT_TRUE(deliver(0));
  }
  server.store(patterned(9 * kMiB, 2));
  lose_connection();
  run();
  EXPECT_EQ(outcome->end, FetchEnd::changed);
}

TEST_F(FetchTest, AFullDiskEndsItAndKeepsTheStoredBytes) {
  target.room = kMiB + 10;
  server.store(patterned(3 * kMiB, 1));
  fetch_all();
  EXPECT_EQ(outcome->end, FetchEnd::cannot_write);
  EXPECT_EQ(outcome->what, "the disk is full");
  EXPECT_EQ(target.left, 1);
}

TEST_F(FetchTest, AComparisonEndsAtTheFirstDifferenceAndAsksForNoBytes) {
  const std::string bytes = patterned(3 * kMiB + 5, 1);
  const auto end_of = [&](std::string here) {
    outcome.reset();
    asked.clear();
    target = {};
    target.compares = true;
    target.hold(std::move(here));
    begin();
    while (!outcome) {
      EXPECT_FALSE(fetch->next_bytes());
      EXPECT_TRUE(ask(fetch->next_hashes()));
      while (!asked.empty() && !outcome) EXPECT_TRUE(deliver(0));
    }
    return outcome->end;
  };
  for (const std::size_t page : {1U, 1024U}) {
    server = {};
    server.page_chunks = page;
    server.store(bytes);
    EXPECT_EQ(end_of(bytes), FetchEnd::complete);
    for (const std::size_t at : {std::size_t{0}, 2 * kMiB, bytes.size() - 1}) {
      std::string other = bytes;
      other[at] ^= 1;
      EXPECT_EQ(end_of(other), FetchEnd::differs) << at;
      EXPECT_EQ(end_of(bytes.substr(0, at)), FetchEnd::differs) << at;
    }
    EXPECT_EQ(end_of(bytes + "x"), FetchEnd::differs);
    server.store("");
    EXPECT_EQ(end_of(""), FetchEnd::complete);
  }
}

TEST_F(FetchTest, WithAnotherSha256NothingIsStored) {
  server.store(patterned(2 * kMiB, 1));
  settings.sha256 = sha256_of("another file");
  fetch_all();
  EXPECT_EQ(outcome->end, FetchEnd::unexpected);
  EXPECT_EQ(target.written, 0U) << "the hashes come first";
  EXPECT_EQ(target.finished, 0);
}

TEST_F(FetchTest, ErrorsAreFinalOrNot) {
  server.store("x");
  begin();
  ask_all();
  EXPECT_FALSE(fetch->on_error(*asked[0].task, CloseReason::server_full, ""));
  EXPECT_FALSE(fetch->on_error(*asked[0].task, CloseReason::internal_error, ""));
  EXPECT_FALSE(outcome);
  EXPECT_TRUE(fetch->on_error(*asked[0].task, CloseReason::no_such_file, "gone"));
  EXPECT_EQ(outcome->end, FetchEnd::refused);
  EXPECT_EQ(outcome->told, CloseReason::no_such_file);
}

TEST_F(FetchTest, AnswersThatDoNotFitAreProtocolErrors) {
  const auto is_wrong = [&](std::size_t which, auto&& spoil) {
    outcome.reset();
    asked.clear();
    target = {};
    begin();
    ask_all();
    spoil(asked[which].coming);
    while (!asked.empty() && !outcome)
      if (!deliver(which < asked.size() ? which : 0)) return true;
    return false;
  };
  using Frames = std::deque<ModelServer::Sent>;
  server.store(patterned(kMiB + 1, 1));
  EXPECT_FALSE(is_wrong(0, [](Frames&) {}));
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all[0].payload.pop_back(); }));
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all[0].payload.back() ^= 1; })) << "length";
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all.pop_front(); })) << "DATA before BEGIN";
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all.insert(all.begin(), all[0]); })) << "BEGIN twice";
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all[1].payload += all[1].payload + "y"; }));
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all.erase(all.begin() + 1); })) << "too few bytes";
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all.back().payload.back() ^= 1; })) << "END";
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all[0].type = FrameType::listing; }));
  EXPECT_TRUE(is_wrong(0, [](Frames& all) { all[0].type = FrameType::hashes; }));
  EXPECT_TRUE(is_wrong(1, [](Frames& all) { all[0].payload.pop_back(); }));
  EXPECT_TRUE(is_wrong(1, [](Frames& all) { all[0].payload[43] ^= 1; })) << "size of a chunk";
  EXPECT_TRUE(is_wrong(1, [](Frames& all) { all[0].type = FrameType::end; }));
}

// Whatever happens on the way, and in whatever order: what is complete is a version that the server
// has had.
TEST_F(FetchTest, IsNeverAMixture) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 dice(seed);
    const auto chance = [&dice](int in) { return dice() % static_cast<unsigned>(in) == 0; };
    settings.changes_max = 20;
    outcome.reset();
    asked.clear();
    target = {};
    server = {};
    server.page_chunks = chance(2) ? 1 : 1024;
    server.store(patterned(dice() % (4 * kMiB), seed));
    if (chance(2)) {
      std::string there = server.bytes().substr(0, dice() % (server.bytes().size() + 1));
      if (!there.empty() && chance(2)) there[dice() % there.size()] ^= 1;
      target.hold(std::move(there), chance(2) ? server.identity() : FileIdentity());
      if (chance(3)) server.store(patterned(dice() % (4 * kMiB), seed + 1));
    }
    begin();
    for (int step = 0; step < 20000 && !outcome; ++step) {
      const std::uint64_t bytes_max = chance(2) ? 1 + dice() % (2 * kMiB) : kToTheEnd;
      if (chance(2)) ask(fetch->next_bytes(bytes_max));
      if (chance(2)) ask(fetch->next_hashes());
      if (asked.empty()) continue;
      if (chance(400)) lose_connection();
      if (chance(400)) {
        std::string next = server.bytes();
        if (!next.empty()) next[dice() % next.size()] ^= 1;
        if (chance(2)) next.resize(dice() % (4 * kMiB));
        chance(2) && next.size() == server.bytes().size() ? server.store_unnoticed(next)
                                                          : server.store(next);
        for (Asked& one : asked) {
          if (!one.coming.empty() && chance(2))
            one.coming = {
                {FrameType::error, std::string(1, static_cast<char>(CloseReason::file_changed))}};
        }
      }
      if (asked.empty()) continue;
      const std::size_t which = dice() % asked.size();
      if (chance(300)) {
        std::string& payload = asked[which].coming.front().payload;
        if (!payload.empty()) payload[dice() % payload.size()] ^= 1;
      }
      if (!deliver(which)) lose_connection();
    }
    if (outcome && outcome->end == FetchEnd::complete) {
      ASSERT_TRUE(server.has_had(target.bytes));
    } else {
      ASSERT_EQ(target.finished, 0);
    }
  }
}

}  // namespace
}  // namespace fairlead
