#include "common/protocol/file_frames.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "common/protocol/frame.hpp"

namespace fairlead {
namespace {

const FileIdentity kIdentity{0x0102030405060708, 9, 0xffffffffffffffff, -1, 1'000'000'007};

FileListing listing() {
  return {true,
          {{FileKind::file, 7, -3, "a"},
           {FileKind::directory, 0, 5, "你好"},
           {FileKind::file, ~0ULL, 0, std::string(255, 'z')}}};
}

FileHashes hashes() {
  FileHashes all{kIdentity, 1024 * 1024, {}, 41, std::vector<Sha256Digest>(3)};
  all.whole.fill('w');
  all.chunks[1].fill('\xff');
  return all;
}

// What was written is read again, and no part of it, however short, is taken for the whole.
template <class Value>
void expect_round_trip(const Value& value) {
  std::string payload;
  append_payload(payload, value);
  EXPECT_EQ(read_payload<Value>(payload), value);
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_FALSE(read_payload<Value>(Bytes(payload).substr(0, size)).has_value()) << size;
  EXPECT_FALSE(read_payload<Value>(payload + "x").has_value());
}

TEST(FileFrames, AnswersSurviveTheWay) {
  expect_round_trip(FileStatus{FileKind::directory, kIdentity});
  expect_round_trip(listing());
  expect_round_trip(FileListing{});
  expect_round_trip(FileBegin{kIdentity, 5, 6});
  expect_round_trip(FileEnd{std::uint64_t{1} << 40});
  expect_round_trip(hashes());
}

// A request ends with a name, so every cut behind its fields is a request, too.
template <class Value>
void expect_request(const Value& value, std::size_t fields_bytes) {
  std::string payload;
  append_payload(payload, value);
  EXPECT_EQ(read_payload<Value>(payload), value);
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_EQ(read_payload<Value>(Bytes(payload).substr(0, size)).has_value(), size >= fields_bytes)
        << size;
}

TEST(FileFrames, RequestsSurviveTheWay) {
  expect_request(ListRequest{7, "known", "a/b"}, 9);
  expect_request(ListRequest{}, 4);
  expect_request(GetRequest{1, kToTheEnd, kIdentity, "名字"}, 56);
  expect_request(HashRequest{9, 8, kIdentity, "n"}, 52);
}

TEST(FileFrames, AreBigEndian) {
  std::string payload;
  append_payload(payload, FileStatus{FileKind::file, kIdentity});
  EXPECT_EQ(payload.size(), 1 + kIdentityBytes);
  EXPECT_EQ(payload.substr(0, 9), "\x01\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(payload.substr(25, 8), std::string(8, '\xff')) << "mtime -1";
}

TEST(FileFrames, ACountAboveWhatIsThereIsRefusedBeforeAnythingIsAllocated) {
  std::string payload;
  append_payload(payload, hashes());
  payload.replace(kIdentityBytes + 4 + 32 + 8, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(read_payload<FileHashes>(payload).has_value());
  payload.clear();
  append_payload(payload, listing());
  payload.replace(1, 2, "\xff\xff");
  EXPECT_FALSE(read_payload<FileListing>(payload).has_value());
}

TEST(FileFrames, NothingIsAKindButTheTwo) {
  for (const char kind : {'\0', '\3', '\xff'}) {
    std::string payload;
    append_payload(payload, FileStatus{FileKind::file, kIdentity});
    payload[0] = kind;
    EXPECT_FALSE(read_payload<FileStatus>(payload).has_value());
  }
}

TEST(FileFrames, AnEntryTakesWhatIsSaidOfIt) {
  FileListing one{false, {{FileKind::file, 1, 2, "name"}}};
  std::string with;
  append_payload(with, one);
  one.entries.clear();
  std::string without;
  append_payload(without, one);
  EXPECT_EQ(with.size() - without.size(), listed_bytes("name"));
}

TEST(FileFrames, OnlyZeroIsAnyVersion) {
  EXPECT_TRUE(FileIdentity().is_any());
  EXPECT_FALSE(kIdentity.is_any());
  EXPECT_FALSE((FileIdentity{.ctime_ns = 1}).is_any());
}

}  // namespace
}  // namespace fairlead
