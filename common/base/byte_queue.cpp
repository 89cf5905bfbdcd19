#include "common/base/byte_queue.hpp"

#include <algorithm>
#include <new>

#include "common/base/check.hpp"

namespace fairlead {

static_assert(sizeof(ByteQueue) <= 40);

void ByteQueue::append_to_blocks(Bytes bytes) {
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->free_bytes() == 0) push_block();
    const std::size_t piece = std::min(bytes.size(), tail_->free_bytes());
    append_to_tail(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
  }
}

std::size_t ByteQueue::memory() const noexcept {
  if (head_ == nullptr) return 0;
  constexpr std::size_t kRoom = Block::kSize - sizeof(Block);
  return (head_->begin + size_ + tail_->free_bytes()) / kRoom * Block::kSize;
}

std::size_t ByteQueue::front(std::span<Bytes> out) const noexcept {
  std::size_t pieces = 0;
  for (Block* block = head_; block != nullptr && pieces < out.size(); block = block->next) {
    out[pieces++] = Bytes(block->room() + block->begin, block->end - block->begin);
  }
  return pieces;
}

void ByteQueue::append_to(std::string& out) const {
  for (Block* block = head_; block != nullptr; block = block->next)
    out.append(block->room() + block->begin, block->end - block->begin);
}

void ByteQueue::consume(std::size_t bytes) noexcept {
  FAIRLEAD_CHECK(bytes <= size_);
  size_ -= bytes;
  while (bytes > 0) {
    const std::size_t piece = std::min<std::size_t>(bytes, head_->end - head_->begin);
    head_->begin += static_cast<std::uint32_t>(piece);
    bytes -= piece;
    if (head_->begin == head_->end) pop_block();
  }
}

void ByteQueue::clear() noexcept {
  while (head_ != nullptr) pop_block();
  size_ = 0;
}

void ByteQueue::push_block() {
  std::size_t capacity = 0;
  Block* block = new (pool_->acquire(Block::kSize, capacity)) Block;
  FAIRLEAD_CHECK(capacity == Block::kSize);
  (tail_ == nullptr ? head_ : tail_->next) = block;
  tail_ = block;
}

void ByteQueue::pop_block() noexcept {
  Block* block = head_;
  head_ = block->next;
  if (head_ == nullptr) tail_ = nullptr;
  pool_->release(reinterpret_cast<char*>(block), Block::kSize);
}

}  // namespace fairlead
