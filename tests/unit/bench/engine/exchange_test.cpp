// One exchange of a load test, as it is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <iterator>
#include <regex>

#include "client/bench/engine/exchange_trace.hpp"
#include "tests/unit/bench/engine/bench_rig.hpp"

namespace fairlead {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

Load load_of(std::string message, std::string reply) {
  Load load{.connections = 50, .inflight = 16, .stages = {{.length = 10s, .rate = 1000}}};
  load.duration = 10s;
  load.warmup = 1s;
  load.message.texts = {std::move(message)};
  load.expectation = {.kind = ExpectationSettings::Kind::text, .text = std::move(reply)};
  return load;
}

// A load test's one exchange with a server that answers every write with `reply`.
class Exchange {
 public:
  explicit Exchange(const Load& load) : rig(one_exchange_of(load)), trace(rig, rig), load_(load) {
    rig.network = &trace;
  }

  std::string outcome() { return exchange_outcome(load_, rig.run()); }
  // How many lines there are, rows of bytes apart.
  std::ptrdiff_t events() const {
    static const std::regex event(" +[0-9.]+ ms  ");
    const std::string text = trace.text();
    return std::distance(std::sregex_iterator(text.begin(), text.end(), event), {});
  }

  BenchRig rig;
  ExchangeTrace trace;

 private:
  const Load load_;
};

TEST(Exchange, ShowsTheBytesOfBothWaysWithTheirTimes) {
  Exchange exchange(load_of("PING\r\n", "+PONG\r\n"));
  exchange.rig.connect_time = 250us;
  exchange.rig.serve = [&](std::size_t peer, const std::string&) {
    exchange.rig.say(peer, "+PONG", 2ms);
    exchange.rig.say(peer, "\r\n", 3ms);
  };
  EXPECT_EQ(exchange.outcome(), "the reply is as expected");
  EXPECT_EQ(exchange.trace.text(),
            "     0.000 ms  connecting to unix:/model\n"
            "     0.250 ms  connected\n"
            "     1.250 ms  sent 6 bytes\n"
            "> 00000000  50 49 4e 47 0d 0a                                |PING..|\n"
            "     3.250 ms  received 5 bytes\n"
            "< 00000000  2b 50 4f 4e 47                                   |+PONG|\n"
            "     4.250 ms  received 2 bytes\n"
            "< 00000005  0d 0a                                            |..|\n");
}

TEST(Exchange, IsOneOperationWhateverTheLoad) {
  Exchange exchange(load_of("{id}", "ok"));
  std::vector<std::string> sent;
  exchange.rig.serve = [&](std::size_t peer, const std::string& bytes) {
    sent.push_back(bytes);
    exchange.rig.say(peer, "ok");
  };
  EXPECT_EQ(exchange.outcome(), "the reply is as expected");
  EXPECT_THAT(sent, ElementsAre("1"));
  EXPECT_EQ(exchange.rig.connects(), 1U);
}

TEST(Exchange, ShowsTheBeginningOfALongOne) {
  Load load = load_of("", "");
  load.message = {.size_min = 5000, .size_max = 5000};
  load.expectation = {};
  Exchange exchange(load);
  exchange.rig.delivery_bytes_max = 3000;
  exchange.rig.serve = [&](std::size_t peer, const std::string& bytes) {
    exchange.rig.say(peer, bytes);
  };
  EXPECT_EQ(exchange.outcome(), "the reply is as expected");
  EXPECT_EQ(exchange.events(), 5);
  const std::string text = exchange.trace.text();
  EXPECT_THAT(text, HasSubstr("\n> 00000ff0  "));
  EXPECT_THAT(text, HasSubstr("\n< 00000ff8  "));
  EXPECT_THAT(text, HasSubstr("sent 5,000 bytes\n"));
  EXPECT_THAT(text, HasSubstr("\n> ... 904 bytes more\n"));
  EXPECT_THAT(text, HasSubstr("received 2,000 bytes\n< 00000bb8  "));
  EXPECT_TRUE(text.ends_with("\n< ... 904 bytes more\n"));
}

TEST(Exchange, CountsBytesBeyondTheLimitWithTheLastShown) {
  Load load = load_of("go", std::string(10'000, 'x'));
  Exchange exchange(load);
  exchange.rig.delivery_bytes_max = 4096;
  exchange.rig.serve = [&](std::size_t peer, const std::string&) {
    exchange.rig.say(peer, std::string(10'000, 'x'));
  };
  EXPECT_EQ(exchange.outcome(), "the reply is as expected");
  EXPECT_THAT(exchange.trace.text(), EndsWith("\n< ... 5,904 bytes more\n"));
}

TEST(Exchange, ReportsErrors) {
  Exchange exchange(load_of("PING", "+PONG"));
  exchange.rig.serve = [&](std::size_t peer, const std::string&) {
    exchange.rig.say(peer, "+PANG");
  };
  EXPECT_EQ(exchange.outcome(), "the reply is not what was expected");
  EXPECT_THAT(exchange.trace.text(), EndsWith(" ms  closed\n"));
}

TEST(Exchange, SaysThatTheServerLeft) {
  Exchange exchange(load_of("PING", "+PONG"));
  exchange.rig.serve = [&](std::size_t peer, const std::string&) { exchange.rig.end_stream(peer); };
  EXPECT_EQ(exchange.outcome(), "it failed: closed");
  EXPECT_THAT(exchange.trace.text(), EndsWith(" ms  the server has ended the connection\n"));
}

TEST(Exchange, SaysThatNobodyListens) {
  Load load = load_of("PING", "+PONG");
  load.mode = BenchMode::conn;
  Exchange exchange(load);
  exchange.rig.accept = [](std::size_t) { return ECONNREFUSED; };
  EXPECT_EQ(exchange.outcome(), "it failed: refused");
  EXPECT_EQ(exchange.trace.text(),
            "     0.000 ms  connecting to unix:/model\n"
            "     0.000 ms  not connected: Connection refused\n");
  EXPECT_FALSE(exchange.trace.is_connected());
}

TEST(Exchange, EscapesTextOfOthers) {
  BenchRig rig(one_exchange_of(load_of("PING", "+PONG")));
  ExchangeTrace trace(rig, rig);
  const auto pending = trace.connect({.address = {}, .path = "/a\x1b[2J"}, {}, [](Connected) {});
  EXPECT_EQ(trace.text(), "     0.000 ms  connecting to unix:/a\\x1b[2J\n");
  Exchange exchange(load_of("PING", "+PONG"));
  exchange.rig.serve = [&](std::size_t peer, const std::string&) {
    exchange.rig.say(peer, "\x1b[2J\xff");
  };
  exchange.outcome();
  EXPECT_THAT(exchange.trace.text(),
              HasSubstr("< 00000000  1b 5b 32 4a ff                                   |.[2J.|\n"));
}

}  // namespace
}  // namespace fairlead
