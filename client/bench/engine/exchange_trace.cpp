#include "client/bench/engine/exchange_trace.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

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
    trace_.note_end(Kind::closed);
    inner_->terminate(manner);
  }
  std::uint32_t unacknowledged_bytes() const override { return inner_->unacknowledged_bytes(); }

 private:
  // StreamObserver.
  void on_bytes(Bytes bytes) override {
    trace_.note_bytes(Kind::received, bytes);
    observer_->on_bytes(bytes);
  }
  void on_end() override {
    trace_.note_end(Kind::ended);
    observer_->on_end();
  }
  void on_silence() override { observer_->on_silence(); }
  void on_written(std::size_t size) override {
    note_written(waiting_, size);
    observer_->on_written(size);
  }
  void on_error(StreamError error) override {
    trace_.note_end(Kind::broken);
    observer_->on_error(error);
  }
  void on_finished() override { observer_->on_finished(); }

  // The first `size` bytes of the pieces.
  void note_written(std::span<const Bytes> pieces, std::size_t size) {
    for (const Bytes piece : pieces) {
      const Bytes written = piece.substr(0, size);
      if (!written.empty()) trace_.note_bytes(Kind::sent, written);
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
                                                std::function<void(Resolved)> done) {
  return network_.resolve(host, port, family, std::move(done));
}

std::unique_ptr<Pending> ExchangeTrace::connect(const Destination& destination,
                                                const std::optional<PeerAddress>& source,
                                                std::function<void(Connected)> done) {
  note(Kind::connecting, destination.text());
  return network_.connect(destination, source, [this, done = std::move(done)](Connected connected) {
    if (connected.stream) {
      note(Kind::connected);
      is_connected_ = true;
      connected.stream = std::make_unique<Traced>(*this, std::move(connected.stream));
    } else {
      note(Kind::failed, connected.error.message());
    }
    done(std::move(connected));
  });
}

void ExchangeTrace::note(Kind kind, std::string where) {
  events_.push_back({.kind = kind, .at = clock_.now(), .where = std::move(where)});
}

// What is sent in several calls, with nothing between them, leaves in one write.
void ExchangeTrace::note_bytes(Kind kind, Bytes bytes) {
  Way& way = kind == Kind::sent ? sent_ : received_;
  const std::uint64_t offset = std::exchange(way.bytes, way.bytes + bytes.size());
  const Bytes kept = bytes.substr(0, kKeptBytes - std::min<std::uint64_t>(offset, kKeptBytes));
  const bool goes_on = kind == Kind::sent && !events_.empty() && events_.back().kind == kind;
  if (!goes_on && !kept.empty()) {
    way.last_event = events_.size();
    note(kind);
    events_.back().offset = offset;
  }
  ExchangeEvent& event = events_[way.last_event];
  event.bytes += kept;
  event.not_kept += bytes.size() - kept.size();
}

void ExchangeTrace::note_end(Kind kind) {
  if (std::exchange(is_connected_, false)) note(kind);
}

}  // namespace fairlead
