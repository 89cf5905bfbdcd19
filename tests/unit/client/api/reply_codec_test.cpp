#include "client/api/reply_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr EncodingSettings kAuto{};

// A codec and what it has handed out: each reply, and behind a '|' how its line ended.
struct Reader final : FrameSink {
  explicit Reader(ReplySettings with, std::uint32_t bytes_max = 1 << 20)
      : settings(std::move(with)), codec(pool, settings, encoding, bytes_max) {}

  Flow on_frame(const Frame& frame) override {
    const char* const ends[] = {"", "|lf", "|crlf"};
    replies.push_back(std::string(frame.payload) + ends[static_cast<int>(frame.line_end)]);
    return stop_after != 0 && replies.size() == stop_after ? Flow::stop : Flow::proceed;
  }

  BufferPool pool;
  ReplySettings settings;
  ClientEncoding encoding{kAuto};
  ReplyCodec codec;
  std::vector<std::string> replies;
  std::size_t stop_after = 0;
};

TEST(ReplyCodec, LinesAreTheSameAtEverySplit) {
  const std::string stream = "one\r\n\ntwo\n\r\nlast\r";
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      Reader reader({.boundary = ReplyBoundary::line});
      reader.codec.feed(Bytes(stream).substr(0, first), reader);
      reader.codec.feed(Bytes(stream).substr(first, second - first), reader);
      reader.codec.feed(Bytes(stream).substr(second), reader);
      reader.codec.on_end(reader);
      EXPECT_THAT(reader.replies, ElementsAre("one|crlf", "|lf", "two|lf", "|crlf", "last\r"))
          << first << " " << second;
    }
  }
}

TEST(ReplyCodec, OnlyASilenceEndsAReplyOfSilence) {
  Reader reader({.boundary = ReplyBoundary::silence});
  EXPECT_FALSE(reader.codec.awaits_pause());
  reader.codec.feed("one\ntwo", reader);
  reader.codec.feed("\nthree\n", reader);
  EXPECT_THAT(reader.replies, IsEmpty());
  EXPECT_TRUE(reader.codec.awaits_pause());
  reader.codec.on_pause(reader);
  EXPECT_THAT(reader.replies, ElementsAre("one\ntwo\nthree\n"));
}

// Replies of a digit that says how many bytes follow.
struct Counted final : ReplyEnd {
  std::size_t reply_bytes(Bytes in, std::size_t searched) const override {
    EXPECT_LE(searched, in.size());
    const auto size = static_cast<std::size_t>(in[0] - '0') + 1;
    return size <= in.size() ? size : 0;
  }
};

TEST(ReplyCodec, AReplyEndsWhereItsCallerSaysAtEverySplit) {
  const Bytes stream = "3abc02\n\n9rest";
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    Reader reader({.end = std::make_shared<Counted>()});
    reader.codec.feed(stream.substr(0, first), reader);
    reader.codec.feed(stream.substr(first), reader);
    EXPECT_THAT(reader.replies, ElementsAre("3abc", "0", "2\n\n")) << first;
    EXPECT_FALSE(reader.codec.awaits_pause());
    reader.codec.on_end(reader);
    EXPECT_EQ(reader.replies.back(), "9rest");
  }
}

TEST(ReplyCodec, ASilenceEndsAReplyOfAutoOnly) {
  for (const auto boundary : {ReplyBoundary::line, ReplyBoundary::automatic}) {
    Reader reader({.boundary = boundary});
    EXPECT_FALSE(reader.codec.awaits_pause());
    reader.codec.feed("no newline", reader);
    EXPECT_EQ(reader.codec.awaits_pause(), boundary == ReplyBoundary::automatic);
    reader.codec.on_pause(reader);
    if (boundary == ReplyBoundary::automatic) {
      EXPECT_THAT(reader.replies, ElementsAre("no newline"));
    } else {
      EXPECT_THAT(reader.replies, IsEmpty());
    }
  }
}

TEST(ReplyCodec, UntilIsFoundAtEverySplitAndNothingElseEndsTheReply) {
  const std::string stream = "a\nEN\nEEND\nrest";
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    Reader reader({.until = "END"});
    reader.codec.feed(Bytes(stream).substr(0, split), reader);
    EXPECT_FALSE(reader.codec.awaits_pause());
    reader.codec.on_pause(reader);
    reader.codec.feed(Bytes(stream).substr(split), reader);
    EXPECT_THAT(reader.replies, ElementsAre("a\nEN\nEEND")) << split;
    reader.codec.on_end(reader);
    EXPECT_THAT(reader.replies, ElementsAre("a\nEN\nEEND", "\nrest")) << split;
  }
}

TEST(ReplyCodec, NoneHandsOutDeliveriesWithoutTearingCharacters) {
  Reader reader({.boundary = ReplyBoundary::none});
  const std::string text = "你好\n世界";
  reader.codec.feed(Bytes(text).substr(0, 4), reader);
  EXPECT_THAT(reader.replies, ElementsAre("你"));
  EXPECT_FALSE(reader.codec.awaits_pause());
  reader.codec.feed(Bytes(text).substr(4), reader);
  EXPECT_THAT(reader.replies, ElementsAre("你", "好\n世界"));
  reader.codec.feed("\xe4\xbd", reader);
  reader.codec.on_end(reader);
  EXPECT_EQ(reader.replies.back(), "\xe4\xbd");
}

TEST(ReplyCodec, AReplyAboveTheLimitFailsBeforeItIsComplete) {
  for (const ReplySettings& settings : {ReplySettings{.boundary = ReplyBoundary::line},
                                        ReplySettings{}, ReplySettings{.until = "X"}}) {
    Reader reader(settings, 8);
    EXPECT_EQ(reader.codec.feed("12345678", reader).status, DecodeResult::Status::ok);
    const DecodeResult result = reader.codec.feed("9", reader);
    EXPECT_EQ(result.status, DecodeResult::Status::failed);
    EXPECT_EQ(result.reason, CloseReason::message_too_big);
    EXPECT_THAT(reader.replies, IsEmpty());
  }
}

TEST(ReplyCodec, ALineWithinTheLimitMayHaveItsCrAboveItAtEverySplit) {
  const std::string stream = "12345678\r\n";
  for (const auto boundary : {ReplyBoundary::line, ReplyBoundary::automatic}) {
    for (std::size_t split = 0; split <= stream.size(); ++split) {
      Reader reader({.boundary = boundary}, 8);
      reader.codec.feed(Bytes(stream).substr(0, split), reader);
      reader.codec.feed(Bytes(stream).substr(split), reader);
      EXPECT_THAT(reader.replies, ElementsAre("12345678|crlf")) << split;
    }
    Reader reader({.boundary = boundary}, 8);
    reader.codec.feed("12345678\r", reader);
    EXPECT_EQ(reader.codec.on_end(reader).status, DecodeResult::Status::failed) << "it was no CRLF";
  }
}

TEST(ReplyCodec, DeliveriesOfNoneAreCutAtTheLimitWithoutTearingCharacters) {
  Reader reader({.boundary = ReplyBoundary::none}, 8);
  EXPECT_EQ(reader.codec.feed("你好世界", reader).status, DecodeResult::Status::ok);
  EXPECT_THAT(reader.replies, ElementsAre("你好", "世界"));
}

TEST(ReplyCodec, GoesOnAfterAStop) {
  Reader reader({});
  reader.stop_after = 1;
  EXPECT_EQ(reader.codec.feed("a\nb\nc\n", reader).status, DecodeResult::Status::stopped);
  EXPECT_THAT(reader.replies, ElementsAre("a|lf"));
  reader.codec.feed({}, reader);
  EXPECT_THAT(reader.replies, ElementsAre("a|lf", "b|lf", "c|lf"));
}

}  // namespace
}  // namespace fairlead
