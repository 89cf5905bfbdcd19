// Records of an upgrade: back and forth, and everything that is none.
#include "server/handover/state.hpp"

#include <gtest/gtest.h>

#include "tests/unit/handover/samples.hpp"

namespace fairlead {
namespace {

TEST(SessionRecord, ReadsWhatItWrites) {
  for (const SessionState& session : {sample_text(), sample_framed(), sample_undecided()}) {
    const auto read = read_session(fields_of(session));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, session);
  }
  SessionState len32 = sample_text();
  len32.protocol = SessionState::Protocol::len32;
  len32.peer = {};
  EXPECT_EQ(read_session(fields_of(len32)), len32) << "of a unix socket, too";
}

TEST(SessionRecord, HasItsBytesWhereTheHeaderSays) {
  SessionState session = sample_undecided();
  session.input.clear();
  const std::string record = fields_of(session);
  EXPECT_EQ(record.substr(0, 14), std::string("\x80\x01\0\0\0\x08\0\0\0\0\0\0\0\x05", 14));
  EXPECT_EQ(record.substr(14, 10), std::string("\x80\x02\0\0\0\x04main", 10));
}

TEST(SessionRecord, CutWithinAFieldItIsRefused) {
  for (const SessionState& session : {sample_text(), sample_framed(), sample_undecided()}) {
    const std::string record = fields_of(session);
    FieldReader fields(record);
    std::size_t begin = 0;
    while (const auto field = fields.next()) {
      const std::size_t end = begin + kFieldHeaderBytes + field->value.size();
      for (std::size_t size = begin + 1; size < end; ++size)
        EXPECT_FALSE(read_session(Bytes(record).substr(0, size))) << size;
      begin = end;
    }
  }
}

TEST(SessionRecord, OfAPlainClientHasOneChannel) {
  SessionState session = sample_text();
  const std::string whole = fields_of(session);
  std::string channel;
  append_field(channel, 0x8001, std::string("\0\x01", 2));
  append_field(channel, 0x8002, "echo");
  append_field(channel, 0x8003, "echo");
  std::string two = whole;
  append_field(two, 0x8011, channel);
  EXPECT_FALSE(read_session(two)) << "a second one";
}

TEST(SessionRecord, EveryFieldTwiceIsRefused) {
  const std::string record = fields_of(sample_text());
  FieldReader fields(record);
  while (const auto field = fields.next()) {
    std::string twice = record;
    append_field(twice, field->tag, field->value);
    EXPECT_FALSE(read_session(twice)) << field->tag;
  }
}

TEST(SessionRecord, ANeededFieldThatIsMissingIsRefused) {
  const std::string record = fields_of(sample_text());
  for (const std::uint16_t missing : {0x8001, 0x8002, 0x8004, 0x8005, 0x800b, 0x8011}) {
    std::string rest;
    FieldReader fields(record);
    while (const auto field = fields.next())
      if (field->tag != missing) append_field(rest, field->tag, field->value);
    EXPECT_FALSE(read_session(rest)) << missing;
  }
}

TEST(SessionRecord, AValueOfAnotherWidthOrOutOfItsRangeIsRefused) {
  const auto with = [](std::uint16_t tag, Bytes value) {
    const std::string record = fields_of(sample_text());
    std::string changed;
    FieldReader fields(record);
    while (const auto field = fields.next())
      append_field(changed, field->tag, field->tag == tag ? value : field->value);
    return read_session(changed);
  };
  EXPECT_TRUE(with(0x800e, std::string_view("\0", 1)));
  EXPECT_FALSE(with(0x8001, std::string(8, '\0'))) << "no id";
  EXPECT_FALSE(with(0x8001, std::string(7, '\1')));
  EXPECT_FALSE(with(0x8001, std::string(9, '\1')));
  EXPECT_FALSE(with(0x8002, ""));
  EXPECT_FALSE(with(0x8002, std::string(65, 'x')));
  EXPECT_FALSE(with(0x8004, std::string(3, '\1'))) << "IPv4 without an address";
  EXPECT_FALSE(with(0x8004, std::string(1, '\3') + std::string(2, '\0')));
  EXPECT_FALSE(with(0x8005, "\4"));
  EXPECT_FALSE(with(0x0006, std::string(8, '\xff')));
  EXPECT_FALSE(with(0x000a, std::string(31, '\0')));
  EXPECT_FALSE(with(0x800b, std::string("\1\0\0\0", 4))) << "above what a frame can have";
  EXPECT_FALSE(with(0x800e, "\2"));
  EXPECT_FALSE(with(0x800f, std::string_view("\0", 1)));
  EXPECT_FALSE(with(0x800f, "\6"));
  EXPECT_FALSE(with(0x8011, "what is no channel"));
  EXPECT_FALSE(with(0x0012, std::string(8, '\0')));
  EXPECT_FALSE(with(0x0012, std::string(13, '\0')));
}

TEST(SessionRecord, InputAndOutputAreBoundTogether) {
  SessionState session = sample_text();
  session.input = std::string(kCarriedBytesMax / 2, 'i');
  session.output = std::string(kCarriedBytesMax / 2, 'o');
  EXPECT_TRUE(read_session(fields_of(session)));
  std::string more = fields_of(sample_framed());
  append_field(more, 0x0077, std::string(100, 'x'));
  EXPECT_TRUE(read_session(more));

  const auto without_input = [](SessionState state) {
    state.input.clear();
    return fields_of(state);
  };
  SessionState output = sample_text();
  output.output = std::string(kCarriedBytesMax, 'o');
  std::string above = without_input(output);
  append_field(above, 0x800c, "i");
  EXPECT_FALSE(read_session(above));
}

TEST(SessionRecord, AnUndecidedClientHasThreeBytesAtMost) {
  std::string record = fields_of(sample_undecided());
  EXPECT_TRUE(read_session(record));
  SessionState longer = sample_undecided();
  longer.input = "abcd";
  EXPECT_FALSE(read_session(fields_of(longer)));
}

TEST(SessionRecord, ChannelsHaveNumbersOfTheirOwnAndABound) {
  SessionState session = sample_framed();
  session.channels.clear();
  for (std::uint16_t id = 0; id <= kChannelsMax; ++id)
    session.channels.push_back({id, "echo", "echo", 0});
  EXPECT_TRUE(read_session(fields_of(session)));
  const auto with_another = [&session](std::uint16_t id) {
    std::string number;
    append_number(number, id);
    std::string channel;
    append_field(channel, 0x8001, number);
    append_field(channel, 0x8002, "echo");
    append_field(channel, 0x8003, "echo");
    std::string record = fields_of(session);
    append_field(record, 0x8011, channel);
    return read_session(record);
  };
  EXPECT_FALSE(with_another(999)) << "one too many";
  session.channels.pop_back();
  EXPECT_FALSE(with_another(3)) << "twice the same";
  EXPECT_TRUE(with_another(999));
}

// ---- Between this version and another

// The next version adds an optional and a critical field.
TEST(Versions, AnOptionalFieldOfALaterVersionIsSkipped) {
  for (const SessionState& session : {sample_text(), sample_framed(), sample_undecided()}) {
    std::string record;
    append_field(record, 0x0041, "first of all");
    record += fields_of(session);
    append_field(record, 0x0042, "and at the end");
    EXPECT_EQ(read_session(record), session);
  }
}

TEST(Versions, ACriticalFieldOfALaterVersionRefusesTheSession) {
  for (const SessionState& session : {sample_text(), sample_framed(), sample_undecided()}) {
    std::string record = fields_of(session);
    append_field(record, 0x8042, "");
    EXPECT_FALSE(read_session(record));
  }
  std::string channel;
  append_field(channel, 0x8001, std::string("\0\x05", 2));
  append_field(channel, 0x8002, "echo");
  append_field(channel, 0x8003, "echo");
  append_field(channel, 0x8004, "a critical field of a channel");
  std::string record = fields_of(sample_framed());
  append_field(record, 0x8011, channel);
  EXPECT_FALSE(read_session(record));
}

// The version before this one wrote none of the optional fields.
TEST(Versions, WithoutItsOptionalFieldsARecordIsOneOfDefaults) {
  const std::string whole = fields_of(sample_text());
  std::string needed;
  FieldReader fields(whole);
  while (const auto field = fields.next())
    if (is_critical(field->tag)) append_field(needed, field->tag, field->value);
  const auto read = read_session(needed);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, sample_text().id);
  EXPECT_EQ(read->age, Duration{});
  EXPECT_EQ(read->bytes_in, 0U);
}

TEST(Versions, TheFieldsMayComeInAnyOrder) {
  const std::string record = fields_of(sample_text());
  std::string backwards;
  FieldReader fields(record);
  while (const auto field = fields.next()) {
    std::string one;
    append_field(one, field->tag, field->value);
    backwards = one + backwards;
  }
  EXPECT_EQ(read_session(backwards), sample_text());
}

// ---- The daemon as a whole

TEST(GlobalRecord, ReadsWhatItWrites) {
  const GlobalState global{.last_id = 4711, .configuration = "[server]\nname = x\n"};
  EXPECT_EQ(read_global(fields_of(global)), global);
  EXPECT_FALSE(read_global("")) << "without the id, two sessions could have the same";
  std::string later = fields_of(global);
  append_field(later, 0x0050, "bans");
  EXPECT_EQ(read_global(later), global);
  append_field(later, 0x8051, "critical");
  EXPECT_FALSE(read_global(later));
}

TEST(Refusals, HaveNames) {
  EXPECT_EQ(name_of(HandoverRefusal::no_listener), "no_listener");
  EXPECT_EQ(name_of(HandoverRefusal::damaged), "damaged");
  EXPECT_EQ(name_of(static_cast<HandoverRefusal>(7)), "unknown");
}

}  // namespace
}  // namespace fairlead
