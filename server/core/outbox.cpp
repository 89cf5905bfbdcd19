#include "server/core/outbox.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fairlead {
namespace {

class Counted final : public ByteSink {
 public:
  void send(Bytes piece) override { bytes += piece.size(); }
  std::size_t bytes = 0;
};

class Queued final : public ByteSink {
 public:
  explicit Queued(ByteQueue& queue) : queue_(queue) {}
  void send(Bytes piece) override { queue_.append(piece); }

 private:
  ByteQueue& queue_;
};

}  // namespace

void Outbox::append(const Codec& codec, const Frame& frame, bool may_drop) {
  Counted counted;
  codec.encode(frame, counted);
  Header header{};
  header.bytes = static_cast<std::uint32_t>(counted.bytes);
  header.channel = frame.channel;
  header.may_drop = may_drop;
  std::array<char, sizeof header> raw;
  std::memcpy(raw.data(), &header, sizeof header);
  queue_.append({raw.data(), raw.size()});
  Queued queued(queue_);
  codec.encode(frame, queued);
  if (!may_drop) reply_bytes_ += header.bytes;
}

// A header may lie across the blocks of the queue.
Outbox::Header Outbox::front() const noexcept {
  std::array<Bytes, 2> pieces;
  const std::size_t count = queue_.front(pieces);
  std::array<char, sizeof(Header)> raw;
  const std::size_t first = std::min(pieces[0].size(), raw.size());
  std::memcpy(raw.data(), pieces[0].data(), first);
  if (first < raw.size() && count > 1)
    std::memcpy(raw.data() + first, pieces[1].data(), raw.size() - first);
  Header header{};
  std::memcpy(&header, raw.data(), sizeof header);
  return header;
}

void Outbox::move_front_to(ByteSink& out) {
  const Header header = front();
  std::size_t left = header.bytes;
  if (!header.may_drop) reply_bytes_ -= header.bytes;
  queue_.consume(sizeof(Header));
  while (left > 0) {
    std::array<Bytes, 1> piece;
    queue_.front(piece);
    const Bytes bytes = piece[0].substr(0, left);
    out.send(bytes);
    left -= bytes.size();
    queue_.consume(bytes.size());
  }
}

void Outbox::drop_front() {
  const Header header = front();
  miss(header.channel);
  queue_.consume(sizeof(Header) + header.bytes);
}

void Outbox::miss(std::uint16_t channel) {
  const auto known = std::find_if(gaps_.begin(), gaps_.end(),
                                  [channel](const Gap& gap) { return gap.channel == channel; });
  if (known == gaps_.end()) {
    gaps_.push_back({channel, 1});
  } else {
    ++known->messages;
  }
}

}  // namespace fairlead
