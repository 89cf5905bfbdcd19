#include "client/bench/engine/exchange_trace.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "client/bench/stats/figures.hpp"
#include "client/bench/stats/hex_dump.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string counted_bytes(std::uint64_t count) {
  return count_figure(count) + (count == 1 ? " byte" : " bytes");
}

std::string time_text(BenchDuration since_first) {
  std::array<char, 32> text{};
  const double milliseconds = std::chrono::duration<double, std::milli>(since_first).count();
  std::snprintf(text.data(), text.size(), "%10.3f ms  ", milliseconds);
  return text.data();
}

}  // namespace

std::string ExchangeTrace::text() const {
  std::string out;
  for (const Event& event : events_) {
    out += time_text(event.at - events_.front().at) + escaped(event.what);
    if (event.way != nullptr) out += counted_bytes(event.bytes.size() + event.not_kept);
    out += '\n';
    for (std::size_t at = 0; at < event.bytes.size(); at += kHexRowBytes) {
      const Bytes row = Bytes(event.bytes).substr(at, kHexRowBytes);
      out += hex_row(event.way->mark, event.offset + at, row) + '\n';
    }
    if (event.not_kept > 0)
      out += std::string(event.way->mark) + "... " + counted_bytes(event.not_kept) + " more\n";
  }
  return out;
}

// A ByteStream around a ByteStream.
class ExchangeTrace::Traced final : public ByteStream, private StreamObserver {
 public:
  Traced(ExchangeTrace& trace, std::unique_ptr<ByteStream> inner)
      : trace_(trace), inner_(std::move(inner)) {}

  void start(StreamObserver& observer) override {
    observer_ = &observer;
    inner_->start(*this);
  }
  std::size_t write_some(std::span<const Bytes> pieces) override {
    const std::size_t size = inner_->write_some(pieces);
    note_written(pieces, size);
    return size;
  }
  void write_later(std::span<const Bytes> pieces) override {
    waiting_.assign(pieces.begin(), pieces.end());
    inner_->write_later(pieces);
  }
  void shut_down() override { inner_->shut_down(); }
  void pause() override { inner_->pause(); }
  void resume() override { inner_->resume(); }
  void probe() override { inner_->probe(); }
  void terminate(TerminateManner manner) override {
    trace_.note_end("closed");
    inner_->terminate(manner);
  }
  std::uint32_t unacknowledged_bytes() const override { return inner_->unacknowledged_bytes(); }

 private:
  // StreamObserver.
  void on_bytes(Bytes bytes) override {
    trace_.note_bytes(trace_.received_, bytes);
    observer_->on_bytes(bytes);
  }
  void on_end() override {
    trace_.note_end("the server has ended the connection");
    observer_->on_end();
  }
  void on_silence() override { observer_->on_silence(); }
  void on_written(std::size_t size) override {
    note_written(waiting_, size);
    observer_->on_written(size);
  }
  void on_error(StreamError error) override {
    trace_.note_end("the connection is broken");
    observer_->on_error(error);
  }
  void on_finished() override { observer_->on_finished(); }

  // The first `size` bytes of the pieces.
  void note_written(std::span<const Bytes> pieces, std::size_t size) {
    for (const Bytes piece : pieces) {
      const Bytes written = piece.substr(0, size);
      if (!written.empty()) trace_.note_bytes(trace_.sent_, written);
      size -= written.size();
    }
  }

  ExchangeTrace& trace_;
  std::unique_ptr<ByteStream> inner_;
  StreamObserver* observer_ = nullptr;
  std::vector<Bytes> waiting_;  // the pieces of the last write_later()
};

std::unique_ptr<Pending> ExchangeTrace::resolve(const std::string& host, std::uint16_t port,
                                                AddressFamily family,
                                                std::function<void(Result<Resolved>)> done) {
  return network_.resolve(host, port, family, std::move(done));
}

std::unique_ptr<Pending> ExchangeTrace::connect(const Destination& destination,
                                                const ConnectSettings& settings,
                                                std::function<void(Connected)> done) {
  note("connecting to " + destination.text());
  return network_.connect(destination, settings,
                          [this, done = std::move(done)](Connected connected) {
                            if (connected) {
                              note("connected");
                              is_connected_ = true;
                              connected = std::make_unique<Traced>(*this, *std::move(connected));
                            } else {
                              note("not connected: " + connected.error().message());
                            }
                            done(std::move(connected));
                          });
}

void ExchangeTrace::note(std::string_view what, const Way* way) {
  events_.push_back({.at = clock_.now(), .what = std::string(what), .way = way});
}

// What is sent in several calls, with nothing between them, leaves in one write.
void ExchangeTrace::note_bytes(Way& way, Bytes bytes) {
  const std::uint64_t offset = std::exchange(way.bytes, way.bytes + bytes.size());
  const Bytes kept = bytes.substr(0, kKeptBytes - std::min<std::uint64_t>(offset, kKeptBytes));
  const bool goes_on = &way == &sent_ && !events_.empty() && events_.back().way == &way;
  if (!goes_on && !kept.empty()) {
    way.last_event = events_.size();
    note(way.what, &way);
    events_.back().offset = offset;
  }
  Event& event = events_[way.last_event];
  event.bytes += kept;
  event.not_kept += bytes.size() - kept.size();
}

void ExchangeTrace::note_end(std::string_view what) {
  if (std::exchange(is_connected_, false)) note(what);
}

Load one_exchange_of(const Load& load) {
  Load single = load;
  single.connections = single.threads = single.inflight = 1;
  single.stages.clear();
  single.duration = single.warmup = single.ramp = BenchDuration::zero();
  single.messages = 1;
  single.connect_rate = 0;
  single.reconnect_every = 0;
  single.spins = single.is_endless = false;
  return single;
}

std::string exchange_outcome(const Load& load, const Tally& tally) {
  for (std::size_t i = 0; i < kBenchErrors; ++i) {
    if (tally.counts.of(static_cast<BenchError>(i)) > 0)
      return "it failed: " + std::string(name_of(static_cast<BenchError>(i)));
  }
  if (!tally.first_mismatches.empty()) return "the reply is not what was expected";
  if (tally.unfinished > 0) return "no reply has come";
  if (load.mode == BenchMode::idle) return "nothing more is sent";
  if (tally.counts.done == 0) return "nothing was sent";
  const bool is_checked = load.expectation.kind != ExpectationSettings::Kind::none;
  if (load.mode == BenchMode::file) return "the file has come";
  if (load.mode == BenchMode::greet) return is_checked ? "the greeting is as expected" : "greeted";
  return is_checked ? "the reply is as expected" : "no reply was waited for";
}

}  // namespace fairlead
