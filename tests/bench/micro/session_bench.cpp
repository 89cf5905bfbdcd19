// Whole connections, from the bytes of a delivery to the bytes of a write, without a socket: what a
// message costs above the kernel and the loop.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "server/api/file_store.hpp"
#include "server/conversation/detector.hpp"
#include "server/core/shard.hpp"
#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/messages.hpp"
#include "tests/bench/micro/socketless.hpp"

namespace fairlead {
namespace {

class NoLog final : public LogSink {
 public:
  void write(Level, std::string_view, std::span<const Field>) noexcept override {}
  bool enabled(Level) const noexcept override { return false; }
};

class NoTranscript final : public TranscriptSink {
 public:
  void print(std::string_view) override {}
};

class NoFiles final : public FileStores {
 public:
  std::unique_ptr<FileStore> store_for(const FileSettings&) override { return nullptr; }
};

// One connection with an echo behind it, and the shard around it.
class EchoConnection {
 public:
  explicit EchoConnection(ListenerProtocol protocol) {
    const auto settings = std::make_shared<ServerSettings>();
    settings->limits.max_message = kMessageBytesMax;
    settings->limits.queue_soft = 256 * 1024;
    settings->limits.max_buffer_memory = 256 * 1024 * 1024;
    settings->limits.requests_per_turn = 64;
    settings->timeouts.message = settings->timeouts.write = Duration(30'000);
    auto service = std::make_unique<ServiceSettings>();
    service->name = service->type = "echo";
    service->text_rules.boundary = Boundary::line;
    settings->services.push_back(std::move(service));
    auto listener = std::make_unique<ListenerSettings>();
    listener->protocol = protocol;
    listener->default_service = "echo";
    listener->idle = Duration(600'000);
    const ListenerSnapshot snapshot(settings, listener.get());
    settings->listeners.push_back(std::move(listener));
    shard_ = std::make_unique<Shard>(
        Shard::Environment{settings, transcript_, files_, log_, log_, begin_conversation, last_id_},
        now_, 1);
    auto stream = std::make_unique<Socketless>();
    stream_ = stream.get();
    turn([&] { shard_->accept(std::move(stream), snapshot, {}, {}); });
  }

  // The shard's last turn frees what has been ended.
  ~EchoConnection() {
    turn([this] { shard_->evict_all(CloseReason::draining); });
    turn([this] { stream_->observer().on_error(StreamError::reset); });
    turn([this] { stream_->observer().on_finished(); });
  }

  void deliver(Bytes bytes) {
    turn([&] { stream_->observer().on_bytes(bytes); });
  }

  bool is_open() const { return !stream_->terminated(); }
  std::uint64_t sent_bytes() const { return stream_->sent_bytes(); }

 private:
  template <class Work>
  void turn(Work&& work) {
    shard_->begin_turn(now_);
    work();
    shard_->end_turn();
    benchmark::DoNotOptimize(shard_->next_due());
  }

  static constexpr TimePoint now_{Duration(1'000'000)};
  NoTranscript transcript_;
  NoFiles files_;
  NoLog log_;
  std::atomic<std::uint64_t> last_id_{0};
  std::unique_ptr<Shard> shard_;
  Socketless* stream_ = nullptr;  // the connection's
};

void finish(benchmark::State& state, const EchoConnection& session, std::uint64_t expected_bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  if (!session.is_open() || session.sent_bytes() != expected_bytes)
    state.SkipWithError("not every message was answered");
}

void echo(benchmark::State& state, ListenerProtocol protocol, const std::string& delivery) {
  EchoConnection session(protocol);
  session.deliver(delivery);
  NoAllocations steady(state);
  for (auto _ : state) session.deliver(delivery);
  steady.report();
  finish(state, session, delivery.size() * (static_cast<std::uint64_t>(state.iterations()) + 1));
}

void session_text_line(benchmark::State& state) {
  echo(state, ListenerProtocol::text, text_messages(state.range(0)));
}
BENCHMARK(session_text_line)->Arg(1)->Arg(16);

void session_len32(benchmark::State& state) {
  echo(state, ListenerProtocol::len32, len32_messages(state.range(0)));
}
BENCHMARK(session_len32)->Arg(1)->Arg(16);

// Request ids increase, so each delivery is written anew in place.
void session_framed(benchmark::State& state) {
  EchoConnection session(ListenerProtocol::framed);
  session.deliver(kPreface);
  const std::uint64_t greeted_bytes = session.sent_bytes();
  std::string delivery = framed_messages(state.range(0), 1);
  const std::size_t frame_bytes = kFrameHeaderBytes + kMessageBytes;
  std::uint32_t request_id = 0;
  const auto exchange = [&] {
    for (std::size_t at = 0; at < delivery.size(); at += frame_bytes) {
      const auto id = big_endian_32(++request_id);
      std::copy(id.begin(), id.end(), delivery.begin() + static_cast<std::ptrdiff_t>(at + 8));
    }
    session.deliver(delivery);
  };
  exchange();
  NoAllocations steady(state);
  for (auto _ : state) exchange();
  steady.report();
  finish(state, session,
         greeted_bytes + delivery.size() * (static_cast<std::uint64_t>(state.iterations()) + 1));
}
BENCHMARK(session_framed)->Arg(1)->Arg(16);

}  // namespace
}  // namespace fairlead
