#include "common/io/descriptor_reserve.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace fairlead {

DescriptorReserve::DescriptorReserve(std::size_t count) : count_(count) {
  descriptors_.reserve(count);
  refill();
}

DescriptorReserve::~DescriptorReserve() {
  for (const int descriptor : descriptors_) ::close(descriptor);
}

bool DescriptorReserve::spend_one() noexcept {
  const std::lock_guard lock(mutex_);
  if (descriptors_.empty()) return false;
  ::close(descriptors_.back());
  descriptors_.pop_back();
  return true;
}

void DescriptorReserve::refill() noexcept {
  const std::lock_guard lock(mutex_);
  while (descriptors_.size() < count_) {
    const int descriptor = ::eventfd(0, EFD_CLOEXEC);  // needs no path
    if (descriptor < 0) return;
    descriptors_.push_back(descriptor);
  }
}

}  // namespace fairlead
