// Takes bytes in order.
#pragma once

#include "common/base/bytes.hpp"

namespace fairlead {

class ByteSink {
 public:
  // Copies `bytes`; throws std::bad_alloc, after which a prefix of them may have been taken.
  virtual void send(Bytes bytes) = 0;

 protected:
  ~ByteSink() = default;
};

}  // namespace fairlead
