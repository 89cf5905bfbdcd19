#include "common/base/descriptor.hpp"

#include <unistd.h>

namespace fairlead {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace fairlead
