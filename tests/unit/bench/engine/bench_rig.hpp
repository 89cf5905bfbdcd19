// A load test against a server that is a function, under a clock that moves only from event to
// event.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/bench/engine/bench_worker.hpp"
#include "common/base/check.hpp"
#include "tests/support/fake_stream.hpp"

namespace fairlead {

using namespace std::chrono_literals;

// One worker with its server and clock. Set the server before run().
class BenchRig final : public BenchClock, public BenchWorkerObserver, public Network {
 public:
  explicit BenchRig(const Load& load, std::vector<Destination> servers = {Destination{
                                          .address = {}, .path = "/model"}})
      : plan_(load, std::move(servers)) {}
  ~BenchRig() {
    worker_.reset();
    shard_.end_turn();
  }

  // The server: which connection has sent what. It answers with say(), end_stream() and
  // break_off().
  std::function<void(std::size_t peer, std::string bytes)> serve = [](std::size_t, std::string) {};
  std::function<void(std::size_t peer)> greet = [](std::size_t) {};
  // The result of attempt n (from 0) to connect: 0 or an errno; empty: no answer.
  std::function<std::optional<int>(std::size_t)> accept = [](std::size_t) { return 0; };
  BenchDuration connect_time = 0us;
  // How late the worker is woken.
  std::function<BenchDuration(BenchDuration elapsed)> wakes_late_by = [](BenchDuration) {
    return 0us;
  };
  std::size_t delivery_bytes_max = 1 << 20;  // replies arrive in pieces of this size
  Network* network = this;                   // which the worker uses

  void say(std::size_t peer, const std::string& bytes, BenchDuration after = 0us) {
    for (std::size_t at = 0; at < bytes.size(); at += delivery_bytes_max) {
      in(after, [this, peer, piece = bytes.substr(at, delivery_bytes_max)] {
        if (FakeConnection* const to = find(peer)) to->send(piece);
      });
    }
  }
  void end_stream(std::size_t peer, BenchDuration after = 0us) {
    in(after, [this, peer] {
      if (FakeConnection* const to = find(peer)) to->end();
    });
  }
  void break_off(std::size_t peer, StreamError error, BenchDuration after = 0us) {
    in(after, [this, peer, error] {
      if (FakeConnection* const to = find(peer)) to->fail(error);
    });
  }
  void in(BenchDuration after, std::function<void()> what) {
    events_.emplace(now_ + after, std::move(what));
  }

  // From the opening to the end.
  const Tally& run() {
    worker_.emplace(plan_, 0, shard_, *network, *this, *this);
    turn([this] { worker_->open(); });
    while (!has_ended_) step();
    return worker_->tally();
  }
  void stop() { worker_->stop(); }

  const BenchPlan& plan() const { return plan_; }
  // Since the load began.
  BenchDuration elapsed() const { return now_ - begin_; }
  BenchTime now() noexcept override { return now_; }
  BenchTime begin() const { return begin_; }
  BenchTime load_ended() const { return worker_->load_ended(); }
  const std::vector<Interval>& intervals() const { return intervals_; }
  std::size_t connects() const { return attempts_; }
  const std::vector<std::size_t>& writes() const { return writes_; }  // bytes of each
  // Where each attempt has connected to.
  const std::vector<std::string>& destinations() const { return destinations_; }

 private:
  struct Asked final : Pending {
    explicit Asked(std::shared_ptr<bool> to) : waits(std::move(to)) {}
    ~Asked() override { *waits = false; }
    std::shared_ptr<bool> waits;
  };

  FakeConnection* find(std::size_t id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
  }
  FakeConnection& make_peer(std::size_t id) {
    FakeConnection& peer =
        peers_.try_emplace(id, FakeConditions{.read_bytes_max = SIZE_MAX}).first->second;
    peer.on_event = [this, id](FakeEvent event, Bytes bytes) {
      if (event != FakeEvent::sent) return;
      writes_.push_back(bytes.size());
      serve(id, std::string(bytes));
    };
    return peer;
  }

  // Network.
  std::unique_ptr<Pending> resolve(const std::string&, std::uint16_t, AddressFamily,
                                   std::function<void(Result<Resolved>)>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> connect(const Destination& to, const ConnectSettings&,
                                   std::function<void(Connected)> done) override {
    destinations_.push_back(to.text());
    auto waits = std::make_shared<bool>(true);
    const std::size_t id = attempts_++;
    if (const std::optional<int> error = accept(id)) {
      in(connect_time, [this, waits, id, error = *error, done = std::move(done)] {
        if (!*waits) return;
        if (error != 0)
          return done(tl::unexpected(std::error_code(error, std::generic_category())));
        done(make_peer(id).make_stream());
        greet(id);
      });
    }
    return std::make_unique<Asked>(waits);
  }

  // BenchClock, BenchWorkerObserver.
  void wake_at(BenchTime at) override {
    wake_at_ = at == BenchTime::max() ? at : at + wakes_late_by(elapsed());
  }
  void on_opened() override {
    // Other workers may not be ready yet.
    in(1ms, [this] {
      begin_ = now_;
      worker_->begin(now_);
    });
  }
  void on_interval(const Interval& interval) override { intervals_.push_back(interval); }
  void on_ended() override { has_ended_ = true; }

  void step() {
    BenchTime next = wake_at_;
    if (!events_.empty()) next = std::min(next, events_.begin()->first);
    const auto due = shard_.next_due();
    if (due) next = std::min<BenchTime>(next, *due);
    if (next == BenchTime::max()) throw std::runtime_error("nothing will ever happen again");
    now_ = std::max(now_, next);
    if (!events_.empty() && events_.begin()->first <= now_) {
      const auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      turn(what);
    } else if (wake_at_ <= now_) {
      wake_at_ = BenchTime::max();
      turn([this] { worker_->on_due(); });
    } else {
      turn([this] { shard_.on_timer(); });
    }
  }
  // Behind each turn the streams report what they have, each report in a turn of its own.
  void turn(const std::function<void()>& work) {
    run_turn(work);
    const auto has_event = [](const auto& peer) { return peer.second.has_event(); };
    for (;;) {
      const auto found = std::ranges::find_if(peers_, has_event);
      if (found == peers_.end()) break;
      run_turn([&peer = found->second] { peer.run_event(); });
    }
    for (const auto& [id, peer] : peers_) FAIRLEAD_CHECK(peer.breach().empty());
    std::erase_if(peers_, [](const auto& peer) { return peer.second.is_destroyed(); });
  }
  void run_turn(const std::function<void()>& work) {
    shard_.begin_turn(std::chrono::floor<Duration>(now_));
    work();
    shard_.end_turn();
  }

  BenchPlan plan_;
  BenchTime now_{1000s};
  BenchTime begin_{};
  BenchTime wake_at_ = BenchTime::max();
  std::multimap<BenchTime, std::function<void()>> events_;
  std::map<std::size_t, FakeConnection> peers_;  // whose streams are not destroyed
  std::vector<std::size_t> writes_;
  std::vector<std::string> destinations_;
  std::vector<Interval> intervals_;
  std::size_t attempts_ = 0;
  bool has_ended_ = false;
  ClientShard shard_{std::chrono::floor<Duration>(now_)};
  std::optional<BenchWorker> worker_;
};

// Echoes messages of `size` bytes one after the other, whatever their connection: each takes
// `service(n)`, n counted from 0 as they come.
class ModelEcho {
 public:
  ModelEcho(BenchRig& rig, std::size_t size, std::function<BenchDuration(std::uint64_t)> service)
      : rig_(rig), size_(size), service_(std::move(service)) {
    rig.serve = [this](std::size_t peer, const std::string& bytes) { take(peer, bytes); };
  }

  // May change the reply to message n.
  std::function<void(std::uint64_t n, std::string& reply)> spoil = [](std::uint64_t, std::string&) {
  };

 private:
  void take(std::size_t peer, const std::string& bytes) {
    std::string& rest = rest_[peer];
    rest += bytes;
    for (; rest.size() >= size_; rest.erase(0, size_)) {
      std::string reply = rest.substr(0, size_);
      spoil(number_, reply);
      free_at_ = std::max(free_at_, rig_.now()) + service_(number_++);
      rig_.say(peer, reply, free_at_ - rig_.now());
    }
  }

  BenchRig& rig_;
  const std::size_t size_;
  std::function<BenchDuration(std::uint64_t)> service_;
  std::map<std::size_t, std::string> rest_;
  std::uint64_t number_ = 0;
  BenchTime free_at_{};
};

}  // namespace fairlead
