// A network and a clock that the tests drive by hand.
#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/api/client_shard.hpp"
#include "common/base/check.hpp"
#include "common/net/network.hpp"
#include "tests/support/fake_stream.hpp"

namespace fairlead {

// What was asked of the network; a question is open until it is answered or taken back.
struct FakeQuestion {
  std::string what = {};  // "name:port" or an address
  std::string source = {};
  std::uint32_t receive_buffer_bytes = 0;
  std::function<void(Result<Resolved>)> resolve = {};
  std::function<void(Connected)> connect = {};
  bool taken_back = false;
  bool is_open() const { return !taken_back && (resolve || connect); }
};

class FakeNetwork final : public Network {
 public:
  struct Asked final : Pending {
    explicit Asked(std::shared_ptr<FakeQuestion> to) : question(std::move(to)) {}
    ~Asked() override { question->taken_back = true; }
    std::shared_ptr<FakeQuestion> question;
  };

  std::unique_ptr<Pending> resolve(const std::string& host, std::uint16_t port, AddressFamily,
                                   std::function<void(Result<Resolved>)> done) override {
    return ask({.what = host + ":" + std::to_string(port), .resolve = std::move(done)});
  }
  std::unique_ptr<Pending> connect(const Destination& to, const ConnectSettings& settings,
                                   std::function<void(Connected)> done) override {
    return ask({.what = to.text(),
                .source = settings.source ? settings.source->ip_text() : "",
                .receive_buffer_bytes = settings.receive_buffer_bytes,
                .connect = std::move(done)});
  }

  // The open questions, oldest first.
  std::vector<std::string> open() const {
    std::vector<std::string> result;
    for (const auto& one : questions)
      if (one->is_open()) result.push_back(one->what);
    return result;
  }

  std::vector<std::shared_ptr<FakeQuestion>> questions;

 private:
  std::unique_ptr<Pending> ask(FakeQuestion question) {
    questions.push_back(std::make_shared<FakeQuestion>(std::move(question)));
    return std::make_unique<Asked>(questions.back());
  }
};

// A shard, its clock, its network, and what a loop does for them: behind each turn, whatever the
// streams have to report, each in a turn of its own.
class FakeLoop {
  std::vector<std::unique_ptr<FakeConnection>> connections_;  // outlive their streams
  TimePoint now_{Duration(1'000'000)};

 public:
  ClientShard shard{now_};
  FakeNetwork network;

  TimePoint now() const { return now_; }

  void turn(const std::function<void()>& work) {
    run(work);
    deliver_all();
  }

  // Lets time pass, ringing what becomes due on the way.
  void pass(Duration time) {
    const TimePoint end = now_ + time;
    for (auto due = shard.next_due(); due && *due <= end; due = shard.next_due()) {
      now_ = std::max(now_, *due);
      turn([this] { shard.on_timer(); });
    }
    now_ = end;
  }

  // Answers the oldest open question about `what`.
  void resolve(const std::string& what, Result<Resolved> answer) {
    const auto question = question_about(what);
    turn([&] { std::exchange(question->resolve, nullptr)(std::move(answer)); });
  }
  void refuse(const std::string& what, int error = ECONNREFUSED) {
    const auto question = question_about(what);
    turn([&] {
      std::exchange(question->connect,
                    nullptr)(tl::unexpected(std::error_code(error, std::generic_category())));
    });
  }
  FakeConnection& connect(const std::string& what) {
    const auto question = question_about(what);
    FakeConnection& connection = make();
    turn([&] { std::exchange(question->connect, nullptr)(connection.make_stream()); });
    return connection;
  }

  // For a connection that nobody has asked the network for.
  FakeConnection& make() { return *connections_.emplace_back(std::make_unique<FakeConnection>()); }

  // What the server does. It arrives within the call.
  void deliver(FakeConnection& on, Bytes bytes) {
    on.send(bytes);
    deliver_all();
  }
  void end(FakeConnection& on) {
    on.end();
    deliver_all();
  }
  void fail(FakeConnection& on, StreamError error) {
    on.fail(error);
    deliver_all();
    pass(Duration(10));  // what had come before it is looked for
  }
  void fail_write(FakeConnection& on, StreamError error) {
    on.fail_write(error);
    deliver_all();
    pass(Duration(10));
  }
  // The server reads, or makes room where conditions.kernel_bytes_max has changed.
  void take(FakeConnection& on, std::size_t bytes) {
    on.take(bytes);
    deliver_all();
  }

 private:
  void run(const std::function<void()>& work) {
    shard.begin_turn(now_);
    work();
    shard.end_turn();
  }
  void deliver_all() {
    const auto has_event = [](const auto& connection) { return connection->has_event(); };
    for (;;) {
      const auto found = std::ranges::find_if(connections_, has_event);
      if (found == connections_.end()) break;
      run([&connection = **found] { connection.run_event(); });
    }
    for (const auto& connection : connections_) FAIRLEAD_CHECK(connection->breach().empty());
  }

  std::shared_ptr<FakeQuestion> question_about(const std::string& what) {
    for (const auto& one : network.questions)
      if (one->is_open() && one->what == what) return one;
    throw std::runtime_error("nobody asked for " + what);
  }
};

inline PeerAddress v4(std::uint8_t last, std::uint16_t port = 7878) {
  return PeerAddress::from_ipv4({192, 0, 2, last}, port);
}
inline PeerAddress v6(std::uint8_t last, std::uint16_t port = 7878) {
  std::array<std::uint8_t, 16> ip{0x20, 0x01, 0x0d, 0xb8};
  ip[15] = last;
  return PeerAddress::from_ipv6(ip, port);
}

}  // namespace fairlead
