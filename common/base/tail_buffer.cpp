#include "common/base/tail_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "common/base/check.hpp"

namespace fairlead {

static_assert(sizeof(TailBuffer) <= 24);

// The header of the storage; the room for bytes follows it.
struct TailBuffer::Storage {
  std::size_t capacity;  // of the block, this head included

  char* room() noexcept { return reinterpret_cast<char*>(this + 1); }
  const char* room() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  std::size_t room_bytes() const noexcept { return capacity - sizeof(Storage); }
};

namespace {
constexpr std::size_t kBytesMax = 1U << 31;  // offsets are 32 bits wide and capacities double
}  // namespace

void TailBuffer::append(Bytes bytes) {
  if (bytes.empty()) return;
  const std::size_t needed = size() + bytes.size();
  FAIRLEAD_CHECK(needed < kBytesMax);
  if (storage_ == nullptr || storage_->room_bytes() - end_ < bytes.size()) {
    // Room for twice the bytes: a copy of n bytes comes after n bytes have been appended.
    const std::size_t roomy = std::max(needed, 2 * size());
    if (storage_ != nullptr && roomy <= storage_->room_bytes()) {
      std::memmove(storage_->room(), storage_->room() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      move_to_storage_for(roomy);
    }
  }
  std::memcpy(storage_->room() + end_, bytes.data(), bytes.size());
  end_ += static_cast<std::uint32_t>(bytes.size());
}

Bytes TailBuffer::view() const noexcept {
  return storage_ == nullptr ? Bytes() : Bytes(storage_->room() + begin_, size());
}

void TailBuffer::drop_front(std::size_t bytes) noexcept {
  FAIRLEAD_CHECK(bytes <= size());
  begin_ += static_cast<std::uint32_t>(bytes);
  if (empty()) return clear();
  const bool is_roomy = storage_->capacity > BufferPool::kSmallest &&
                        (size() + sizeof(Storage)) * 8 <= storage_->capacity;
  if (is_roomy) move_to_smaller_storage();
}

void TailBuffer::trim() noexcept {
  if (2 * BufferPool::capacity_for(sizeof(Storage) + size()) <= capacity())
    move_to_smaller_storage();
}

std::size_t TailBuffer::capacity() const noexcept {
  return storage_ == nullptr ? 0 : storage_->capacity;
}

void TailBuffer::move_to_smaller_storage() noexcept {
  try {
    move_to_storage_for(size());
  } catch (const std::bad_alloc&) {
    // The present storage is larger than necessary, but it works.
  }
}

void TailBuffer::clear() noexcept {
  if (storage_ != nullptr) {
    pool_->release(reinterpret_cast<char*>(storage_), storage_->capacity);
    storage_ = nullptr;
  }
  begin_ = 0;
  end_ = 0;
}

// Moves what is in the buffer to the front of a block with room for `bytes` >= size().
void TailBuffer::move_to_storage_for(std::size_t bytes) {
  std::size_t capacity = 0;
  char* memory = pool_->acquire(sizeof(Storage) + bytes, capacity);
  Storage* storage = new (memory) Storage{capacity};
  const Bytes kept = view();
  if (!kept.empty()) std::memcpy(storage->room(), kept.data(), kept.size());
  clear();
  storage_ = storage;
  end_ = static_cast<std::uint32_t>(kept.size());
}

}  // namespace fairlead
