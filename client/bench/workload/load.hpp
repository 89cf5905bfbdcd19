// The settings of a load test: connections, rate, messages, expected replies.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "client/api/connection.hpp"
#include "client/bench/stats/bench_time.hpp"
#include "common/net/endpoint.hpp"

namespace fairlead {

enum class BenchMode : std::uint8_t {
  reply,  // connections stay; each message has one reply (or none, see Expectation)
  conn,   // an operation is: connect, one exchange if there is a message, close
  greet,  // an operation is: connect, wait for what the server says first, close
  file,   // an operation is: download one file
  idle,   // connections are held, nothing is sent
};

// "reply", "conn", ...
inline std::string_view name_of(BenchMode mode) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"reply", "conn", "greet", "file", "idle"};
  return kNames[static_cast<std::size_t>(mode)];
}

// A part of an open loop: messages a second, of all connections together.
struct Stage {
  BenchDuration length{0};
  double rate = 0;
  std::optional<double> rate_at_end = {};  // it changes evenly to this one; none: it stays

  double last_rate() const noexcept { return rate_at_end.value_or(rate); }
  double rate_max() const noexcept { return std::max(rate, last_rate()); }
};

// The messages: `texts` if there are any, else `size_min` to `size_max` random letters.
struct MessageSettings {
  std::vector<std::string> texts = {};  // templates, taken in turn (MessageTemplate), in UTF-8
  std::uint32_t size_min = 64;          // bytes on the wire without a header; a line's end counts
  std::uint32_t size_max = 64;          // >= size_min; each message is of a random size between
  Encoding encoding = Encoding::utf8;   // of texts that hold more than ASCII
  bool ends_lines = false;              // text with --boundary line: each message ends with LF
};

// The expected reply to each message.
struct ExpectationSettings {
  enum class Kind : std::uint8_t { echo, text, pattern, length, none };

  Kind kind = Kind::echo;
  std::string text = {};     // text: the bytes of the reply; pattern: a regular expression (RE2)
  std::uint64_t length = 0;  // of the reply in bytes
};

struct Load {
  BenchMode mode = BenchMode::reply;
  std::uint32_t connections = 100;    // in all; 1 or more
  std::uint32_t threads = 1;          // <= connections
  std::uint32_t inflight = 1;         // messages of one connection that may wait for their replies
  std::vector<Stage> stages = {};     // open loop: when each message is due; none: closed loop
  BenchDuration duration{0};          // of the whole run, warm-up included; 0: until `messages`
  bool is_endless = false;            // `duration` is longer than anybody waits: until Ctrl-C
  std::uint64_t messages = 0;         // operations in all, warm-up included; 0: until `duration`
  BenchDuration warmup{0};            // what is due (closed loop: sent) earlier is not counted
  BenchDuration ramp{0};              // open loop: the rate rises over this time; closed loop and
                                      // idle: connections are opened, and loaded, over it
  double connect_rate = 0;            // connections opened a second, of all threads; 0: no limit
  std::uint64_t reconnect_every = 0;  // operations of a connection, then it is replaced; 0: never
  BenchDuration reply_timeout{std::chrono::seconds(10)};
  Duration connect_timeout{10'000};
  std::uint64_t seed = 1;  // of everything random
  bool spins = false;      // the threads never sleep

  std::optional<AddressBlock> sources = {};  // connect from each of its addresses in turn
  bool skip_greeting = false;  // text: what the server says first is waited for and dropped
  bool ends_greeting = false;  // and ends as a reply does; else at a silence

  ConnectionSettings connection = {};  // protocol, boundary; `line_end` is not used
  bool ends_replies =
      false;                 // text: connection.reply says where a reply ends; else its length does
  std::string service = {};  // framed: opened on channel 1; empty: the default, channel 0
  MessageSettings message = {};
  ExpectationSettings expectation = {};
  std::string file_name = {};  // mode file: what is asked for, as the server is sent it

  bool is_open_loop() const noexcept { return !stages.empty(); }
};

// A wrong setting. what() is one line without full stop, escaped, that names the place and what was
// expected there.
class SettingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fairlead
