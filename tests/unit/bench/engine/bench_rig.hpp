// A load test against a server that is a function, under a clock that moves only from event to
// event.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/bench/engine/bench_worker.hpp"

namespace fairlead {

using namespace std::chrono_literals;

// One worker with its server and clock. Set the server before run().
class BenchRig final : public BenchClock, public BenchWorkerObserver, public Network {
 public:
  explicit BenchRig(const Load& load) : plan_(load, {.address = {}, .path = "/model"}) {}
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
        if (Peer* const to = find(peer)) to->observer->on_bytes(piece);
      });
    }
  }
  void end_stream(std::size_t peer, BenchDuration after = 0us) {
    in(after, [this, peer] {
      if (Peer* const to = find(peer)) to->observer->on_end();
    });
  }
  void break_off(std::size_t peer, StreamError error, BenchDuration after = 0us) {
    in(after, [this, peer, error] {
      if (Peer* const to = find(peer)) to->observer->on_error(error);
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

 private:
  struct Peer final : ByteStream {
    Peer(BenchRig& owner, std::size_t own_id) : rig(owner), id(own_id) { rig.peers_[id] = this; }
    ~Peer() override { rig.peers_.erase(id); }
    void start(StreamObserver& to) override {
      observer = &to;
      rig.greet(id);
    }
    std::size_t write_some(std::span<const Bytes> pieces) override {
      if (terminated) return 0;
      std::string bytes;
      for (const Bytes piece : pieces) bytes += piece;
      rig.writes_.push_back(bytes.size());
      rig.serve(id, bytes);
      return bytes.size();
    }
    void write_later(std::span<const Bytes>) override {}
    void shut_down() override {}
    void pause() override {}
    void resume() override {}
    void probe() override { observer->on_silence(); }
    void terminate(TerminateManner) override {
      if (!std::exchange(terminated, true)) rig.terminated_.push_back(id);
    }

    BenchRig& rig;
    std::size_t id;
    StreamObserver* observer = nullptr;
    bool terminated = false;
  };
  struct Asked final : Pending {
    explicit Asked(std::shared_ptr<bool> to) : waits(std::move(to)) {}
    ~Asked() override { *waits = false; }
    std::shared_ptr<bool> waits;
  };

  Peer* find(std::size_t id) {
    const auto found = peers_.find(id);
    return found == peers_.end() || found->second->terminated ? nullptr : found->second;
  }

  // Network.
  std::unique_ptr<Pending> resolve(const std::string&, std::uint16_t, AddressFamily,
                                   std::function<void(Resolved)>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> connect(const Destination&, const std::optional<PeerAddress>&,
                                   std::function<void(Connected)> done) override {
    auto waits = std::make_shared<bool>(true);
    const std::size_t id = attempts_++;
    if (const std::optional<int> error = accept(id)) {
      in(connect_time, [this, waits, id, error = *error, done = std::move(done)] {
        if (!*waits) return;
        if (error != 0) return done({nullptr, {error, std::generic_category()}});
        done({std::make_unique<Peer>(*this, id), {}});
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
  void turn(const std::function<void()>& work) {
    shard_.begin_turn(std::chrono::floor<Duration>(now_));
    work();
    shard_.end_turn();
    if (terminated_.empty()) return;
    turn([this] {
      for (const std::size_t id : std::exchange(terminated_, {}))
        peers_[id]->observer->on_finished();
    });
  }

  BenchPlan plan_;
  BenchTime now_{1000s};
  BenchTime begin_{};
  BenchTime wake_at_ = BenchTime::max();
  std::multimap<BenchTime, std::function<void()>> events_;
  std::map<std::size_t, Peer*> peers_;
  std::vector<std::size_t> terminated_;
  std::vector<std::size_t> writes_;
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
