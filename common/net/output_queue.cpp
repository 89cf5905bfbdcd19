#include "common/net/output_queue.hpp"

#include <array>

namespace fairlead {
namespace {

// Pool blocks of one gathering write: 64 KiB.
constexpr std::size_t kPiecesMax = 16;

}  // namespace

void OutputQueue::flush(ByteStream& stream) {
  while (!is_waiting_ && !queue_.empty()) {
    std::array<Bytes, kPiecesMax> pieces;
    std::size_t offered = 0;
    const std::span<const Bytes> front(pieces.data(), queue_.front(pieces));
    for (const Bytes piece : front) offered += piece.size();
    const std::size_t size = stream.write_some(front);
    queue_.consume(count(size));
    if (size < offered) {
      is_waiting_ = true;
      stream.write_later({pieces.data(), queue_.front(pieces)});
    }
  }
  // A FIN needs no room.
  if (is_finishing_ && !is_shut_down_ && queue_.empty()) {
    is_shut_down_ = true;
    stream.shut_down();
  }
}

void OutputQueue::on_written(std::size_t size) noexcept {
  is_waiting_ = false;
  queue_.consume(count(size));
}

std::size_t OutputQueue::write_through(ByteStream& stream, std::span<const Bytes> pieces) {
  return is_waiting_ || !queue_.empty() ? 0 : count(stream.write_some(pieces));
}

std::optional<std::size_t> OutputQueue::write_through(ByteStream& stream, const FilePart& part) {
  if (is_waiting_ || !queue_.empty()) return 0;
  const auto size = stream.write_file(part);
  if (size) count(*size);
  return size;
}

void OutputQueue::await_room(ByteStream& stream) {
  if (is_waiting_) return;
  is_waiting_ = true;
  stream.write_later({});
}

std::size_t OutputQueue::count(std::size_t size) noexcept {
  written_bytes_ += size;
  return size;
}

}  // namespace fairlead
