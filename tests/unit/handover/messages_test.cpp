// The stream of an upgrade, at every split, every truncation and with every bit flipped.
#include "server/handover/messages.hpp"

#include <gtest/gtest.h>

#include "tests/unit/handover/samples.hpp"

namespace fairlead {
namespace {

struct Heard {
  std::vector<HandoverMessage> messages;
  bool is_damaged = false;
  bool is_whole = false;
};

Heard read(const std::vector<Bytes>& pieces) {
  HandoverReader reader;
  Heard heard;
  for (const Bytes piece : pieces) {
    reader.feed(piece);
    while (auto message = reader.next()) heard.messages.push_back(std::move(*message));
  }
  heard.is_damaged = reader.is_damaged();
  heard.is_whole = reader.waiting_bytes() == 0;
  return heard;
}

std::vector<HandoverMessage> a_talk() {
  const std::string text = fields_of(sample_text());
  const std::string framed = fields_of(sample_framed());
  return {make_hello({1, 3}),
          make_ready(1),
          make_go({.last_id = 9, .configuration = "x"}, 2),
          make_batch(1, {text, framed}),
          make_answer({1, {HandoverRefusal::none, HandoverRefusal::no_service}}),
          make_refuse_all(HandoverRefusal::damaged),
          {.kind = HandoverKind::done, .fields = {}}};
}

std::string stream_of(const std::vector<HandoverMessage>& messages) {
  std::string stream;
  for (const HandoverMessage& message : messages) stream += bytes_of(message);
  return stream;
}

void expect_equal(const std::vector<HandoverMessage>& found,
                  const std::vector<HandoverMessage>& expected, std::size_t count) {
  ASSERT_EQ(found.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(found[i].kind, expected[i].kind);
    EXPECT_EQ(found[i].descriptors, expected[i].descriptors);
    EXPECT_EQ(found[i].fields, expected[i].fields);
  }
}

TEST(HandoverStream, HasItsBytesWhereTheHeaderSays) {
  const std::string done = bytes_of({.kind = HandoverKind::done, .descriptors = 258, .fields = {}});
  EXPECT_EQ(done.substr(0, 8), std::string("\0\0\0\0\x07\0\1\2", 8));
  EXPECT_EQ(done.size(), 12U);
}

TEST(HandoverStream, EverySplitInTwoComesToTheSame) {
  const auto talk = a_talk();
  const std::string stream = stream_of(talk);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const Heard heard = read({Bytes(stream).substr(0, cut), Bytes(stream).substr(cut)});
    expect_equal(heard.messages, talk, talk.size());
    EXPECT_FALSE(heard.is_damaged);
    EXPECT_TRUE(heard.is_whole);
  }
  std::vector<Bytes> bytes;
  for (std::size_t i = 0; i < stream.size(); ++i) bytes.push_back(Bytes(stream).substr(i, 1));
  expect_equal(read(bytes).messages, talk, talk.size());
}

TEST(HandoverStream, ATruncatedOneHasTheMessagesThatAreWhole) {
  const auto talk = a_talk();
  const std::string stream = stream_of(talk);
  for (std::size_t size = 0; size < stream.size(); ++size) {
    const Heard heard = read({Bytes(stream).substr(0, size)});
    std::size_t whole = 0;
    std::size_t bytes = 0;
    for (; bytes + bytes_of(talk[whole]).size() <= size; ++whole)
      bytes += bytes_of(talk[whole]).size();
    expect_equal(heard.messages, talk, whole);
    EXPECT_FALSE(heard.is_damaged);
    EXPECT_EQ(heard.is_whole, bytes == size);
  }
}

TEST(HandoverStream, BehindAFlippedBitNothingIsRead) {
  const auto talk = a_talk();
  const std::string stream = stream_of(talk);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < talk.size(); ++i) {
    const std::size_t end = begin + bytes_of(talk[i]).size();
    for (std::size_t bit = 8 * begin; bit < 8 * end; ++bit) {
      std::string flipped = stream;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      const Heard heard = read({flipped});
      expect_equal(heard.messages, talk, i);
      // A length that has grown waits for more than there is.
      EXPECT_TRUE(heard.is_damaged || !heard.is_whole) << bit;
    }
    begin = end;
  }
}

TEST(HandoverStream, ALengthAboveTheBoundIsRefusedBeforeItsBytesCome) {
  HandoverReader reader;
  reader.feed(std::string("\xff\0\0\0", 4));
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_damaged());
  reader.feed(bytes_of(make_ready(1)));
  EXPECT_FALSE(reader.next()) << "nothing comes behind damage";
}

TEST(HandoverStream, AKindOfALaterVersionIsPassedOn) {
  const auto later = static_cast<HandoverKind>(200);
  const Heard heard = read({bytes_of({.kind = later, .fields = "x"})});
  ASSERT_EQ(heard.messages.size(), 1U);
  EXPECT_EQ(heard.messages[0].kind, later);
}

TEST(HandoverMessages, ReadWhatTheyWrite) {
  const auto versions = read_hello(make_hello({2, 5}).fields);
  ASSERT_TRUE(versions);
  EXPECT_EQ(versions->oldest, 2);
  EXPECT_EQ(versions->newest, 5);
  EXPECT_FALSE(read_hello(make_hello({3, 2}).fields));
  EXPECT_FALSE(read_hello(""));

  EXPECT_EQ(read_ready(make_ready(0).fields), 0);
  EXPECT_EQ(read_ready(make_ready(7).fields), 7);
  EXPECT_FALSE(read_ready(""));

  const GlobalState global{.last_id = 9, .configuration = "x"};
  EXPECT_EQ(read_global(make_go(global, 3).fields), global);

  const auto batch_message = make_batch(5, {"one", "", "three"});
  EXPECT_EQ(batch_message.descriptors, 3);
  const auto batch = read_batch(batch_message.fields);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->number, 5U);
  EXPECT_EQ(batch->records, (std::vector<Bytes>{"one", "", "three"}));
  EXPECT_FALSE(read_batch(""));

  const auto answer = read_answer(make_answer({6, {HandoverRefusal::no_service}}).fields);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->number, 6U);
  EXPECT_EQ(answer->verdicts, (std::vector<HandoverRefusal>{HandoverRefusal::no_service}));
  EXPECT_FALSE(read_answer(""));

  EXPECT_EQ(read_refuse_all(make_refuse_all(HandoverRefusal::damaged).fields),
            HandoverRefusal::damaged);
  EXPECT_FALSE(read_refuse_all(make_refuse_all(HandoverRefusal::none).fields));
}

TEST(HandoverMessages, ABatchHasABound) {
  std::string fields;
  append_field(fields, 0x8001, std::string(4, '\1'));
  for (std::size_t i = 0; i < kBatchSessionsMax; ++i) append_field(fields, 0x8002, "r");
  EXPECT_TRUE(read_batch(fields));
  append_field(fields, 0x8002, "r");
  EXPECT_FALSE(read_batch(fields));
}

}  // namespace
}  // namespace fairlead
