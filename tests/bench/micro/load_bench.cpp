// A load test without a socket: what a message costs fairlead bench above the kernel and the loop.
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/bench/engine/bench_worker.hpp"
#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/socketless.hpp"

namespace fairlead {
namespace {

constexpr std::uint32_t kInflight = 16;

Load load_of(Protocol protocol) {
  Load load{.connections = 1, .inflight = kInflight, .duration = std::chrono::hours(1)};
  load.connection.protocol = protocol;
  load.message.ends_lines = protocol == Protocol::text;
  return load;
}

// One worker with one connection, whose server is the benchmark.
class Rig final : public BenchClock, public BenchWorkerObserver, public Network {
 public:
  explicit Rig(Protocol protocol) : plan_(load_of(protocol), {Destination{}}) {
    turn([this] { worker_.open(); });
    while (sent_.empty()) turn([this] { step(); });
  }

  // Everything sent comes back.
  void exchange() {
    std::swap(sent_, arriving_);
    sent_.clear();
    turn([this] { stream_->observer().on_bytes(arriving_); });
  }

  BenchTime now() noexcept override { return now_; }

 private:
  void step() {
    now_ += std::chrono::milliseconds(1);
    if (auto done = std::exchange(connecting_, nullptr)) {
      auto stream = std::make_unique<Socketless>();
      stream_ = stream.get();
      stream_->on_write = [this](std::span<const Bytes> pieces) {
        for (const Bytes piece : pieces) sent_ += piece;
      };
      return done(std::move(stream));
    }
    worker_.on_due();
  }
  template <class Work>
  void turn(Work&& work) {
    shard_.begin_turn(TimePoint());
    work();
    shard_.end_turn();
  }

  void wake_at(BenchTime) override {}
  void on_opened() override { worker_.begin(now_); }
  void on_interval(const Interval&) override {}
  void on_ended() override {}
  std::unique_ptr<Pending> resolve(const std::string&, std::uint16_t, AddressFamily,
                                   std::function<void(Result<Resolved>)>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> connect(const Destination&, const ConnectSettings&,
                                   std::function<void(Connected)> done) override {
    connecting_ = std::move(done);
    return std::make_unique<Pending>();
  }

  BenchTime now_{std::chrono::seconds(1)};
  BenchPlan plan_;
  ClientShard shard_{TimePoint()};
  std::function<void(Connected)> connecting_;
  Socketless* stream_ = nullptr;
  std::string sent_, arriving_;
  BenchWorker worker_{plan_, 0, shard_, *this, *this, *this};
};

// Sixteen messages of 64 bytes are answered by one delivery, checked, counted, and followed by
// sixteen others.
void exchange(benchmark::State& state, Protocol protocol) {
  Rig rig(protocol);
  for (int i = 0; i < 100; ++i) rig.exchange();
  NoAllocations none(state);
  for (auto _ : state) rig.exchange();
  none.report();
  state.SetItemsProcessed(state.iterations() * kInflight);
}
BENCHMARK_CAPTURE(exchange, text, Protocol::text);
BENCHMARK_CAPTURE(exchange, len32, Protocol::len32);

}  // namespace
}  // namespace fairlead
