// SHA-256, by OpenSSL's libcrypto, which nobody else sees.
#pragma once

#include <array>
#include <memory>

#include "common/base/bytes.hpp"

namespace fairlead {

// One hash at a time: update() any number of times, then finish(), after which it begins anew. Used
// on one thread. Throws std::bad_alloc when it is made.
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
