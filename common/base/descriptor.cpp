#include "common/base/descriptor.hpp"

#include <unistd.h>

namespace fairlead {

bool lacks_descriptors(const std::error_code& code) noexcept {
  return code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system;
}

std::string advised(const std::system_error& failure) {
  return std::string(failure.what()) +
         (lacks_descriptors(failure.code()) ? kAllowMoreDescriptors : "");
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace fairlead
