#include "client/fetch/lister.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/client_frames.hpp"
#include "tests/unit/client/fake_network.hpp"

namespace fairlead {
namespace {

using client::frame;
using client::number;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kFile = 1;
constexpr char kDirectory = 2;

std::string entry(char kind, std::string_view name, std::uint64_t size = 0,
                  std::uint64_t mtime = 0) {
  return kind + number(size, 8) + number(mtime, 8) + number(name.size(), 2) + std::string(name);
}

std::string page(const std::vector<std::string>& entries, bool more = false) {
  std::string payload = number(more ? 1 : 0, 1) + number(entries.size(), 2);
  for (const std::string& one : entries) payload += one;
  return payload;
}

std::string status(char kind, std::uint64_t size = 0, std::uint64_t mtime = 0) {
  return kind + number(7, 8) + number(8, 8) + number(size, 8) + number(mtime, 8) + number(9, 8);
}

std::string refusal(std::uint64_t code, std::string_view sentence) {
  return number(code, 4) + std::string(sentence);
}

// A server after docs/protocol.md: records requests and answers as the test says.
class ListerTest : public testing::Test, public ListerObserver {
 protected:
  ListerTest() {
    settings.client.server = {.host = "example", .port = 7878, .path = {}};
    settings.client.connection.service = "file";
  }

  void connect(std::vector<std::string> names) {
    lister.emplace(loop.shard, loop.network, settings, *this);
    loop.turn([&] { lister->open(std::move(names)); });
    loop.resolve("example:7878", Resolved{.addresses = {v4(1)}});
    server = &loop.connect("192.0.2.1:7878");
    loop.deliver(*server, client::kPreface + frame(client::hello, 0, 0, hello));
  }
  void open(std::vector<std::string> names) {
    connect(std::move(names));
    answer(client::opened, 1);
  }

  // What has been asked since the last time, as "type:id:name", with ">after" behind a LIST.
  std::vector<std::string> asked() {
    std::vector<std::string> result;
    const auto frames = client::parse(server->received()).frames;
    for (; seen < frames.size(); ++seen) {
      const client::Received& one = frames[seen];
      if (one.type == client::hello) continue;
      std::string name = one.payload;
      std::string after;
      if (one.type == client::list) {
        const auto length = static_cast<std::size_t>(client::number_in(name.substr(2, 2)));
        after = ">" + name.substr(4, length);
        name = name.substr(4 + length);
      }
      const char* type = one.type == client::open   ? "open"
                         : one.type == client::stat ? "stat"
                         : one.type == client::list ? "list"
                         : one.type == client::ping ? "ping"
                                                    : "?";
      result.push_back(std::string(type) + ":" + std::to_string(one.id) + ":" + name + after);
    }
    return result;
  }
  void answer(int type, std::uint64_t id, std::string_view payload = {}) {
    loop.deliver(*server, frame(type, 1, id, payload));
  }

  void on_entries(std::size_t index, std::span<const FileEntry> entries) override {
    for (const FileEntry& entry : entries)
      events.push_back((entry.name.empty() ? "found " : "") + text(index, entry));
    if (close_at_entries) lister->close();
  }
  void on_failed(std::size_t index, std::string_view below, const Failure& failure) override {
    events.push_back("failed " + std::to_string(index) + ":" + std::string(below) + ": " +
                     failure.what);
    failed = failure;
  }
  void on_ended(const Failure& failure) override {
    ASSERT_FALSE(end) << "told twice";
    end = failure;
    lister.reset();
  }
  static std::string text(std::size_t index, const FileEntry& one) {
    return std::to_string(index) + ":" + one.name + (one.kind == FileKind::directory ? "/" : "") +
           " " + std::to_string(one.size) + " " + std::to_string(one.mtime_ns);
  }
  FailureKind end_kind() const { return end ? end->kind : FailureKind::name_not_resolved; }

  FakeLoop loop;
  ListerSettings settings;
  std::string hello = number(1, 2) + number(64, 2) + number(1 << 20, 4) + "\x01s" + '\0' +
                      "\x02\x04"
                      "echo\x05"
                      "files";
  std::optional<Lister> lister;
  FakeConnection* server = nullptr;
  std::vector<std::string> events;
  Failure failed;
  std::optional<Failure> end;
  std::size_t seen = 0;
  bool close_at_entries = false;
};

TEST_F(ListerTest, TheRootIsListedPageByPage) {
  connect({""});
  EXPECT_THAT(asked(), ElementsAre("open:1:file"));
  answer(client::opened, 1);
  EXPECT_THAT(asked(), ElementsAre("list:2:>"));
  answer(client::listing, 2, page({entry(kFile, "a", 5, 77), entry(kDirectory, "b")}, true));
  EXPECT_THAT(asked(), ElementsAre("list:3:>b"));
  EXPECT_FALSE(end);
  answer(client::listing, 3, page({entry(kFile, "c", 6, ~std::uint64_t{0})}));
  EXPECT_THAT(events, ElementsAre("0:a 5 77", "0:b/ 0 0", "0:c 6 -1"));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, AnEmptyDirectoryIsNoFailure) {
  open({""});
  answer(client::listing, 2, page({}));
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, ANameIsStattedFirst) {
  settings.client.connection.service = "files";
  connect({"a/file", "a/directory", "missing"});
  EXPECT_THAT(asked(), ElementsAre("open:1:files"));
  answer(client::opened, 1);
  EXPECT_THAT(asked(), ElementsAre("stat:2:a/file", "stat:3:a/directory", "stat:4:missing"));
  answer(client::status, 2, status(kFile, 1 << 20, 5));
  answer(client::status, 3, status(kDirectory, 4096, 6));
  EXPECT_THAT(asked(), ElementsAre("list:5:a/directory>"));
  answer(client::error, 4, refusal(24, "there is no such file"));
  EXPECT_EQ(failed.kind, FailureKind::request_refused);
  EXPECT_EQ(failed.told, CloseReason::no_such_file);
  answer(client::listing, 5, page({entry(kFile, "x")}));
  EXPECT_THAT(events, ElementsAre("found 0: 1048576 5", "found 1:/ 4096 6",
                                  "failed 2:: there is no such file", "1:x 0 0"));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, InvalidNamesAreNotRequested) {
  open({"../x", "a//b", "/", std::string(5000, 'x'), "real"});
  EXPECT_THAT(asked(), ElementsAre("open:1:file", "stat:2:real"));
  EXPECT_EQ(events.size(), 4u);
  EXPECT_EQ(failed.told, CloseReason::no_such_file);
  answer(client::status, 2, status(kFile));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, OnlyRecursivelyAreDirectoriesWalked) {
  open({""});
  answer(client::listing, 2, page({entry(kDirectory, "d")}));
  EXPECT_TRUE(end);
}

TEST_F(ListerTest, DirectoriesAreWalkedBreadthFirst) {
  settings.recursive = true;
  open({"top"});
  answer(client::status, 2, status(kDirectory));
  answer(client::listing, 3, page({entry(kDirectory, "a"), entry(kDirectory, "b")}));
  EXPECT_THAT(asked(), ElementsAre("open:1:file", "stat:2:top", "list:3:top>", "list:4:top/a>",
                                   "list:5:top/b>"));
  answer(client::listing, 4, page({entry(kDirectory, "deep")}, true));
  EXPECT_THAT(asked(), ElementsAre("list:6:top/a>deep", "list:7:top/a/deep>"))
      << "a directory is finished before those below it";
  answer(client::error, 5, refusal(24, "gone"));
  answer(client::listing, 6, page({entry(kFile, "last")}));
  answer(client::listing, 7, page({entry(kFile, "x")}));
  EXPECT_THAT(events, ElementsAre("found 0:/ 0 0", "0:a/ 0 0", "0:b/ 0 0", "0:a/deep/ 0 0",
                                  "failed 0:b: gone", "0:a/last 0 0", "0:a/deep/x 0 0"));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, NoMoreThanEightRequestsAreUnanswered) {
  open(std::vector<std::string>(20, "x"));
  EXPECT_EQ(asked().size(), 1 + Lister::kRequestsMax);
  answer(client::status, 2, status(kFile));
  EXPECT_THAT(asked(), ElementsAre("stat:10:x"));
}

TEST_F(ListerTest, AServiceThatIsNotThereEndsIt) {
  connect({""});
  answer(client::error, 1, refusal(23, "there is no such service here"));
  EXPECT_EQ(end_kind(), FailureKind::request_refused);
  EXPECT_EQ(end->told, CloseReason::unknown_service);
  EXPECT_THAT(end->what, HasSubstr("no such service here; --service takes one of echo, files"));
}

TEST_F(ListerTest, AServiceThatIsClosedEndsIt) {
  open({""});
  answer(client::close, 0, refusal(19, "enough"));
  EXPECT_EQ(end_kind(), FailureKind::turned_away);
  EXPECT_EQ(end->told, CloseReason::kicked);
}

TEST_F(ListerTest, AConnectionThatEndsBeforeTheListingIsAFailure) {
  open({""});
  loop.end(*server);
  EXPECT_EQ(end_kind(), FailureKind::cut_short);
}

TEST_F(ListerTest, ALostConnectionIsAFailure) {
  open({""});
  loop.fail(*server, StreamError::reset);
  EXPECT_EQ(end_kind(), FailureKind::reset);
}

TEST_F(ListerTest, CloseEndsItFromWithinAndNothingFollows) {
  close_at_entries = true;
  settings.recursive = true;
  open({""});
  const std::string two = frame(client::listing, 1, 2, page({entry(kDirectory, "a")}, true)) +
                          frame(client::listing, 1, 3, page({entry(kFile, "b")}));
  loop.deliver(*server, two);
  EXPECT_THAT(events, ElementsAre("0:a/ 0 0"));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

// ---- Silence ----

TEST_F(ListerTest, ASilentServerIsPingedAndThenGivenUp) {
  settings.timeout = Duration(10'000);
  open({""});
  asked();
  loop.pass(Duration(4980));
  EXPECT_THAT(asked(), IsEmpty());
  loop.pass(Duration(40));
  EXPECT_THAT(asked(), ElementsAre("ping:0:there?"));
  loop.pass(Duration(4940));
  EXPECT_FALSE(end);
  loop.pass(Duration(60));
  EXPECT_EQ(end_kind(), FailureKind::connect_timeout);
}

TEST_F(ListerTest, APongOrAnyByteIsASignOfLife) {
  settings.timeout = Duration(10'000);
  open({""});
  loop.pass(Duration(6000));
  loop.deliver(*server, frame(client::pong, 0, 0, "listing"));
  loop.pass(Duration(9900));
  ASSERT_FALSE(end);
  const std::string answer = frame(client::listing, 1, 2, page({entry(kFile, "a")}));
  for (const char byte : answer) {
    ASSERT_FALSE(end);
    loop.deliver(*server, std::string(1, byte));
    loop.pass(Duration(4000));
  }
  EXPECT_THAT(events, ElementsAre("0:a 0 0"));
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, AServerThatOnlyAnswersPingsIsGivenUp) {
  settings.timeout = Duration(10'000);
  open({""});
  for (int i = 0; i < 19; ++i) {
    loop.pass(Duration(5020));
    ASSERT_FALSE(end) << i;
    loop.deliver(*server, frame(client::pong, 0, 0, "there?"));
  }
  loop.pass(Duration(10'100));
  EXPECT_EQ(end_kind(), FailureKind::connect_timeout);
}

TEST_F(ListerTest, WithoutATimeoutItWaits) {
  settings.timeout = Duration(0);
  open({""});
  loop.pass(std::chrono::hours(24));
  EXPECT_FALSE(end);
}

// ---- Servers that lie ----

class HostileListing : public ListerTest, public testing::WithParamInterface<std::string> {};

TEST_P(HostileListing, EndsItAndNoEntryOfThePageIsReported) {
  settings.recursive = true;
  open({""});
  answer(client::listing, 2, GetParam());
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(end_kind(), FailureKind::bad_protocol);
}

INSTANTIATE_TEST_SUITE_P(
    Lister, HostileListing,
    testing::Values(page({entry(kFile, "")}), page({entry(kFile, ".")}), page({entry(kFile, "..")}),
                    page({entry(kFile, "a"), entry(kDirectory, "../x")}),
                    page({entry(kFile, "/etc/passwd")}), page({entry(kFile, "a/b")}),
                    page({entry(kFile, std::string_view("a\0b", 3))}), page({entry(kFile, "\xff")}),
                    page({entry(kFile, "\xc0\xae")}), page({entry(kFile, std::string(256, 'x'))}),
                    page({entry(kFile, "b"), entry(kFile, "a")}),
                    page({entry(kFile, "a"), entry(kFile, "a")}), page({}, true),
                    page({entry(3, "fifo")}), page({entry(kFile, "a")}) + "more",
                    number(0, 1) + number(65535, 2), std::string("\0", 1), std::string()));

TEST_F(ListerTest, APageOutOfOrderEndsIt) {
  for (const char* again : {"a", "b"}) {
    SCOPED_TRACE(again);
    open({""});
    answer(client::listing, 2, page({entry(kFile, "a"), entry(kFile, "b")}, true));
    events.clear();
    answer(client::listing, 3, page({entry(kFile, again)}, true));
    EXPECT_THAT(events, IsEmpty());
    EXPECT_EQ(end_kind(), FailureKind::bad_protocol);
    end.reset();
    seen = 0;
  }
}

TEST_F(ListerTest, UnaskedAnswersEndIt) {
  const std::string unasked[] = {
      frame(client::listing, 1, 3, page({})), frame(client::status, 1, 2, status(kFile)),
      frame(client::error, 1, 9, refusal(24, "")), frame(client::error, 1, 0, refusal(21, ""))};
  for (const std::string& one : unasked) {
    open({""});
    loop.deliver(*server, one);
    EXPECT_EQ(end_kind(), FailureKind::bad_protocol);
    end.reset();
    seen = 0;
  }
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(ListerTest, AnAnswerBeforeTheServiceIsOpenEndsIt) {
  connect({""});
  answer(client::listing, 2, page({}));
  EXPECT_EQ(end_kind(), FailureKind::bad_protocol);
}

TEST_F(ListerTest, FramesOfOtherChannelsAndGreetingsAreNoAnswers) {
  open({""});
  loop.deliver(*server, frame(client::listing, 2, 2, page({entry(kFile, "x")})));
  ASSERT_FALSE(end);
  loop.deliver(*server, frame(client::message, 1, 0, "welcome"));
  EXPECT_FALSE(end);
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(ListerTest, ATreeWithoutEndEndsAtItsDepth) {
  settings.recursive = true;
  open({""});
  std::uint64_t id = 2;
  for (; !end && id < 1000; ++id) answer(client::listing, id, page({entry(kDirectory, "d")}));
  EXPECT_EQ(id - 2, Lister::kLevelsMax);
  EXPECT_EQ(failed.kind, FailureKind::too_big);
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, ANameThatBecomesTooLongIsNotRequested) {
  settings.recursive = true;
  open({""});
  std::uint64_t answered = 0;
  for (; !end && answered < 100; ++answered)
    answer(client::listing, answered + 2, page({entry(kDirectory, std::string(255, 'x'))}));
  EXPECT_EQ(answered, 1u + 16u) << "16 components of 255 bytes have 4095";
  EXPECT_EQ(failed.told, CloseReason::no_such_file);
  EXPECT_EQ(end_kind(), FailureKind::none);
}

TEST_F(ListerTest, AListingWithoutEndEndsAtItsLength) {
  settings.entries_max = 10;
  open({""});
  int name = 10;
  for (std::uint64_t id = 2; !end && id < 100; ++id, name += 2) {
    answer(
        client::listing, id,
        page({entry(kFile, std::to_string(name)), entry(kFile, std::to_string(name + 1))}, true));
  }
  EXPECT_EQ(events.size(), 10u);
  EXPECT_EQ(end_kind(), FailureKind::too_big);
}

TEST_F(ListerTest, MoreDirectoriesThanCanBeRememberedEndIt) {
  settings.recursive = true;
  settings.waiting_bytes_max = 1000;
  open({""});
  const std::string filler(98, 'x');
  for (char name = 'a'; !end && name <= 'z'; ++name) {
    asked();
    const std::uint64_t id = name - 'a' + 2;
    answer(client::listing, id, page({entry(kDirectory, name + filler + "d")}, true));
  }
  EXPECT_EQ(end_kind(), FailureKind::too_big);
  EXPECT_LE(events.size(), 1000 / 100 + Lister::kRequestsMax + 1);
}

}  // namespace
}  // namespace fairlead
