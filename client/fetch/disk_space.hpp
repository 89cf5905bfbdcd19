// The free space of disks, less what the files that are being fetched will still take of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "common/base/result.hpp"

namespace fairlead {

// The bytes that a user may still store in the file system of `folder`; empty: it does not tell.
std::optional<std::uint64_t> free_bytes(int folder);

// Used on one thread; outlives its claims.
//
// Invariant: the claims of a file system are at most what was free when the last one was made.
class DiskSpace {
 public:
  // What one file will still take; given back by the destructor. Move-only.
  class Claim {
   public:
    Claim() noexcept = default;
    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&& other) noexcept;
    ~Claim();

    // So many bytes are stored, and are no longer free.
    void spend(std::uint64_t bytes) noexcept;

   private:
    friend class DiskSpace;
    DiskSpace* space_ = nullptr;
    std::uint64_t device_ = 0;
    std::uint64_t bytes_ = 0;
  };

  // Fails, with both numbers, if the file system of `folder` has no room for so many bytes more.
  Result<Claim> claim(int folder, std::uint64_t bytes);

 private:
  std::map<std::uint64_t, std::uint64_t> claimed_;  // bytes, by device
};

// "8.0 TiB are needed, and 75.0 GiB are free".
std::string no_room(std::uint64_t needed, std::uint64_t free);

}  // namespace fairlead
