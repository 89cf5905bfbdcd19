#include "client/fetch/disk_space.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

namespace fairlead {

std::optional<std::uint64_t> free_bytes(int folder) {
  struct statvfs disk {};
  // A file system in user space may tell nothing but zeros.
  if (::fstatvfs(folder, &disk) != 0 || disk.f_blocks == 0) return std::nullopt;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::string no_room(std::uint64_t needed, std::uint64_t free) {
  constexpr std::uint64_t kMib = 1024 * 1024;
  return std::to_string((needed + kMib - 1) / kMib) + " MiB are needed, and " +
         std::to_string(free / kMib) + " MiB are free; make room, or use another disk";
}

Result<DiskSpace::Claim> DiskSpace::claim(int folder, std::uint64_t bytes) {
  struct stat found {};
  Claim claim;
  const auto free = free_bytes(folder);
  if (!free || ::fstat(folder, &found) != 0) return claim;
  std::uint64_t& claimed = claimed_[found.st_dev];
  const std::uint64_t left = *free - std::min(*free, claimed);
  if (bytes > left) return make_error(no_room(bytes, left));
  claimed += bytes;
  claim.space_ = this;
  claim.device_ = found.st_dev;
  claim.bytes_ = bytes;
  return claim;
}

DiskSpace::Claim::Claim(Claim&& other) noexcept
    : space_(std::exchange(other.space_, nullptr)), device_(other.device_), bytes_(other.bytes_) {}

DiskSpace::Claim& DiskSpace::Claim::operator=(Claim&& other) noexcept {
  std::swap(space_, other.space_);
  std::swap(device_, other.device_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

DiskSpace::Claim::~Claim() { spend(bytes_); }

void DiskSpace::Claim::spend(std::uint64_t bytes) noexcept {
  if (space_ == nullptr) return;
  const std::uint64_t spent = std::min(bytes, bytes_);
  bytes_ -= spent;
  space_->claimed_[device_] -= spent;
}

}  // namespace fairlead
