// ticker: pushes a message to each of its clients at equal intervals, and echoes what they say. For
// tests of what pushes, until there are rooms; not part of the daemon that is shipped.
//
// `text = PERIOD_MS BYTES`: how often, and how long. A client's messages are numbered from 1: "tick
// 1 ", then as many x as are wanted.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/api/service_table.hpp"

namespace fairlead {
namespace {

struct Ticks final : PeerState {
  std::uint64_t said = 0;
};

class Ticker final : public Service {
 public:
  Ticker(const ServiceSettings& settings, ServiceEnvironment& environment)
      : clock_(environment.clock) {
    const char* end = settings.text.data() + settings.text.size();
    std::int64_t period_ms = 0;
    const auto period = std::from_chars(settings.text.data(), end, period_ms);
    const auto size = std::from_chars(std::min(period.ptr + 1, end), end, bytes_);
    if (period.ec != std::errc{} || size.ec != std::errc{} || period_ms <= 0)
      throw std::invalid_argument("ticker: `text` is not PERIOD_MS BYTES");
    period_ = Duration(period_ms);
  }

 private:
  bool pushes() const noexcept override { return true; }

  void on_open(Peer& peer) override {
    peer.state = std::make_unique<Ticks>();
    peers_.push_back(&peer);
    if (peers_.size() == 1) clock_.wake_at(clock_.now() + period_);
  }

  void on_message(Peer& peer, const Message& message) override { peer.reply(message.payload); }

  void on_close(Peer& peer, CloseReason) noexcept override {
    const auto gone = std::find(peers_.begin(), peers_.end(), &peer);
    if (gone == peers_.end()) return;  // on_open had failed
    if (static_cast<std::size_t>(gone - peers_.begin()) < next_) --next_;
    peers_.erase(gone);
  }

  // All peers, some in each turn, are one round; rounds begin a period apart.
  void on_time() override {
    constexpr std::size_t kPeersPerTurn = 64;
    if (next_ == 0) round_began_ = clock_.now();
    for (std::size_t i = 0; i < kPeersPerTurn && next_ < peers_.size(); ++i) tick(*peers_[next_++]);
    if (next_ < peers_.size()) return clock_.wake_at(clock_.now());
    next_ = 0;
    if (!peers_.empty()) clock_.wake_at(std::max(clock_.now(), round_began_ + period_));
  }

  void tick(Peer& peer) {
    message_ = "tick " + std::to_string(++static_cast<Ticks&>(*peer.state).said) + " ";
    message_.resize(std::max(message_.size(), bytes_), 'x');
    peer.push(message_);
  }

  ServiceClock& clock_;
  Duration period_{};
  std::size_t bytes_ = 0;
  std::vector<Peer*> peers_;
  std::size_t next_ = 0;  // of peers_, in a round that is under way
  TimePoint round_began_{};
  std::string message_;  // kept for its capacity
};

}  // namespace

std::unique_ptr<Service> make_ticker_service(const ServiceSettings& settings,
                                             ServiceEnvironment& environment) {
  return std::make_unique<Ticker>(settings, environment);
}

}  // namespace fairlead
