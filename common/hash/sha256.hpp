// SHA-256 by OpenSSL's libcrypto, which no other folder includes.
#pragma once

#include <array>
#include <memory>

#include "common/base/bytes.hpp"

namespace fairlead {

// Computes one hash at a time: update() any number of times, then finish(), which begins the next.
// For one thread. The constructor may throw std::bad_alloc.
class Sha256 {
 public:
  using Digest = std::array<char, 32>;

  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(Bytes bytes);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace fairlead
