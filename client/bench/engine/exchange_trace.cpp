#include "client/bench/engine/exchange_trace.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

// A Transport around a Transport.
class ExchangeTrace::Traced final : public Transport, private TransportObserver {
 public:
  Traced(ExchangeTrace& trace, std::unique_ptr<Transport> inner)
      : trace_(trace), inner_(std::move(inner)) {}

  void start(TransportObserver& observer) override {
    observer_ = &observer;
    inner_->start(*this);
  }
  void send(Bytes bytes) override {
    trace_.note_bytes(Kind::sent, bytes);
    inner_->send(bytes);
  }
  void flush() override { inner_->flush(); }
  void finish_sending() override { inner_->finish_sending(); }
  void pause() override { inner_->pause(); }
  void resume() override { inner_->resume(); }
  void probe() override { inner_->probe(); }
  void terminate(TerminateManner manner) override {
    trace_.note_end(Kind::closed);
    inner_->terminate(manner);
  }
  std::size_t queued_bytes() const noexcept override { return inner_->queued_bytes(); }
  std::size_t queued_memory() const noexcept override { return inner_->queued_memory(); }
  std::uint64_t sent_bytes() const noexcept override { return inner_->sent_bytes(); }
  bool finished_sending() const noexcept override { return inner_->finished_sending(); }

 private:
  // TransportObserver.
  void on_bytes(Bytes bytes) override {
    trace_.note_bytes(Kind::received, bytes);
    observer_->on_bytes(bytes);
  }
  void on_end() override {
    trace_.note_end(Kind::ended);
    observer_->on_end();
  }
  void on_silence() override { observer_->on_silence(); }
  void on_progress() override { observer_->on_progress(); }
  void on_error(TransportError error) override {
    trace_.note_end(Kind::broken);
    observer_->on_error(error);
  }
  void on_finished() override { observer_->on_finished(); }

  ExchangeTrace& trace_;
  std::unique_ptr<Transport> inner_;
  TransportObserver* observer_ = nullptr;
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
    if (connected.transport) {
      note(Kind::connected);
      is_connected_ = true;
      connected.transport = std::make_unique<Traced>(*this, std::move(connected.transport));
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
