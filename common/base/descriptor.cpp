#include "common/base/descriptor.hpp"

#include <unistd.h>

namespace fairlead {

std::string advised(const std::system_error& failure) {
  const bool too_few = failure.code() == std::errc::too_many_files_open;
  return std::string(failure.what()) + (too_few ? kAllowMoreDescriptors : "");
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace fairlead
