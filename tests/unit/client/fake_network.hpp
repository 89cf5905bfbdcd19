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
#include "common/net/network.hpp"

namespace fairlead {

class FakeByteStream final : public ByteStream {
 public:
  explicit FakeByteStream(bool& alive) : alive_(alive) { alive_ = true; }
  ~FakeByteStream() override { alive_ = false; }

  void start(StreamObserver& to) override { observer = &to; }
  std::size_t write_some(std::span<const Bytes> pieces) override {
    ++writes;
    if (!takes_bytes || terminated) return 0;
    const std::size_t before = sent.size();
    for (const Bytes piece : pieces) sent += piece;
    return sent.size() - before;
  }
  void write_later(std::span<const Bytes> pieces) override {
    waiting.assign(pieces.begin(), pieces.end());
    is_waiting = true;
  }
  void shut_down() override { finished = true; }
  void pause() override {}
  void resume() override {}
  void probe() override {
    ++probes;
    if (arrived.empty()) return observer->on_silence();
    observer->on_bytes(std::exchange(arrived, {}));
  }
  void terminate(TerminateManner) override { terminated = true; }

  // The kernel has room again, for `size` bytes of what waits.
  void make_room(std::size_t size = SIZE_MAX) {
    if (terminated || !std::exchange(is_waiting, false)) return;
    std::size_t taken = 0;
    for (const Bytes piece : std::exchange(waiting, {})) {
      sent += piece.substr(0, size - taken);
      taken += std::min(piece.size(), size - taken);
    }
    observer->on_written(taken);
  }

  StreamObserver* observer = nullptr;
  std::string sent;
  std::string arrived;  // what a probe finds
  std::vector<Bytes> waiting;
  bool is_waiting = false;  // write_later() has not been answered
  bool takes_bytes = true;
  bool finished = false, terminated = false, told_finished = false;
  int probes = 0, writes = 0;

 private:
  bool& alive_;
};

// What was asked of the network; a question is open until it is answered or taken back.
struct FakeQuestion {
  std::string what = {};  // "name:port" or an address
  std::string source = {};
  std::function<void(Resolved)> resolve = {};
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
                                   std::function<void(Resolved)> done) override {
    return ask({.what = host + ":" + std::to_string(port), .resolve = std::move(done)});
  }
  std::unique_ptr<Pending> connect(const Destination& to, const std::optional<PeerAddress>& source,
                                   std::function<void(Connected)> done) override {
    return ask(
        {.what = to.text(), .source = source ? source->ip_text() : "", .connect = std::move(done)});
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

// A shard, its clock, and what a loop would do for it.
class FakeLoop {
 public:
  ClientShard shard{TimePoint(Duration(1'000'000))};
  FakeNetwork network;

  TimePoint now() const { return now_; }

  void turn(const std::function<void()>& work) {
    shard.begin_turn(now_);
    work();
    shard.end_turn();
    tell_finished();
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
  void resolve(const std::string& what, Resolved answer) {
    const auto question = take(what);
    turn([&] { std::exchange(question->resolve, nullptr)(std::move(answer)); });
  }
  void refuse(const std::string& what, int error = ECONNREFUSED) {
    const auto question = take(what);
    turn([&] {
      std::exchange(question->connect, nullptr)({nullptr, {error, std::generic_category()}});
    });
  }
  FakeByteStream& connect(const std::string& what) {
    const auto question = take(what);
    FakeByteStream& stream = make();
    turn([&] {
      std::exchange(question->connect, nullptr)({std::move(streams_.back().owned), {}});
    });
    return stream;
  }

  // A stream that is connected already; take it with `owned`.
  FakeByteStream& make() {
    auto& one = streams_.emplace_back();
    one.alive = std::make_unique<bool>(false);
    one.owned = std::make_unique<FakeByteStream>(*one.alive);
    one.stream = one.owned.get();
    return *one.stream;
  }
  std::unique_ptr<ByteStream> owned() { return std::move(streams_.back().owned); }
  bool is_alive(std::size_t index) const { return *streams_[index].alive; }

  void deliver(FakeByteStream& on, Bytes bytes) {
    turn([&] { on.observer->on_bytes(bytes); });
  }
  void end(FakeByteStream& on) {
    turn([&] { on.observer->on_end(); });
  }
  void fail(FakeByteStream& on, StreamError error) {
    turn([&] { on.observer->on_error(error); });
    pass(Duration(10));  // what had come before it is read
  }

 private:
  struct Made {
    std::unique_ptr<bool> alive;
    std::unique_ptr<FakeByteStream> owned;
    FakeByteStream* stream;
  };

  std::shared_ptr<FakeQuestion> take(const std::string& what) {
    for (const auto& one : network.questions)
      if (one->is_open() && one->what == what) return one;
    throw std::runtime_error("nobody asked for " + what);
  }

  // on_finished comes in a turn of its own, once.
  void tell_finished() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (!*streams_[i].alive) continue;
      FakeByteStream& one = *streams_[i].stream;
      if (!one.terminated || std::exchange(one.told_finished, true)) continue;
      turn([&] { one.observer->on_finished(); });
    }
  }

  TimePoint now_{Duration(1'000'000)};
  std::vector<Made> streams_;
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
