#include "client/bench/workload/reply_ends.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/bench/workload/load.hpp"
#include "tests/unit/bench/setting_error.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;

// Whatever part of it has come, it ends where it ends, and not before.
void expect_whole(const std::string& response) {
  for (std::size_t size = 1; size < response.size(); ++size)
    ASSERT_EQ(0U, http_response_bytes(response.substr(0, size))) << size;
  EXPECT_EQ(response.size(), http_response_bytes(response));
  EXPECT_EQ(response.size(), http_response_bytes(response + "HTTP/1.1 200 OK\r\n"));
}

TEST(HttpEnd, IsToldByTheLength) {
  expect_whole("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  5 \r\n\r\nhello");
  expect_whole("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpEnd, IsToldByTheLastChunk) {
  expect_whole(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nA;name=value\r\n0123456789\r\n0\r\n\r\n");
  expect_whole(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n\n\r\n0\r\nX: y\r\nZ: z\r\n\r\n");
}

TEST(HttpEnd, IsTheHeadWhereThereIsNoBody) {
  expect_whole("HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n");
  expect_whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 700\r\n\r\n");
}

TEST(HttpEnd, ComesBehindWhatIsProvisional) {
  expect_whole(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
}

TEST(HttpEnd, IsThatOfTheConnectionWithoutALength) {
  EXPECT_EQ(0U, http_response_bytes("HTTP/1.1 200 OK\r\n\r\nbody"));
}

TEST(HttpEnd, ComesAtOnceToWhatIsNoHttp) {
  for (const std::string_view other :
       {"+PONG\r\n", "HTTP/2 200\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"})
    EXPECT_EQ(other.size(), http_response_bytes(other)) << other;
}

TEST(ReplyEnd, APatternEndsAReplyBehindItsMatch) {
  const ReplySettings smtp = parse_reply_end("re:(?m)^\\d{3} .*\\r\\n");
  const Bytes reply = "250-one\r\n250-two\r\n250 three\r\nmore";
  for (std::size_t size = 1; size < reply.size() - 4; ++size)
    ASSERT_EQ(0U, smtp.end->reply_bytes(reply.substr(0, size), size - 1)) << size;
  EXPECT_EQ(reply.size() - 4, smtp.end->reply_bytes(reply, 0));
  EXPECT_EQ(reply.size() - 4, smtp.end->reply_bytes(reply, reply.size() - 5));
}

TEST(ReplyEnd, HasManyForms) {
  EXPECT_EQ(ReplyBoundary::line, parse_reply_end("line").boundary);
  EXPECT_EQ(ReplyBoundary::silence, parse_reply_end("silence").boundary);
  EXPECT_EQ(Duration(200), parse_reply_end("silence").quiet);
  EXPECT_EQ(Duration(50), parse_reply_end("silence:50ms").quiet);
  EXPECT_EQ("\r\n.\r\n", parse_reply_end("\\r\\n.\\r\\n").until);
  EXPECT_EQ("http", parse_reply_end("text:http").until);
}

TEST(ReplyEnd, WrongOnesAreRefused) {
  const auto refusal = [](std::string_view words) {
    return setting_error([&] { parse_reply_end(words); });
  };
  EXPECT_THAT(refusal("re:("), HasSubstr("the pattern"));
  EXPECT_THAT(refusal("silence:0"), HasSubstr("silence of 0"));
  EXPECT_THAT(refusal("silence:soon"), HasSubstr("soon"));
  EXPECT_THAT(refusal("text:"), HasSubstr("empty"));
  EXPECT_THAT(refusal("\\q"), HasSubstr("escape"));
}

}  // namespace
}  // namespace fairlead
