#include "common/base/descriptor.hpp"

#include <unistd.h>

namespace fairlead {

bool lacks_descriptors(const std::error_code& code) noexcept {
  return code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system;
}

std::string advised(const std::system_error& failure) {
  const char* advice = "";
  if (lacks_descriptors(failure.code())) advice = kAllowMoreDescriptors;
  if (failure.code() == std::errc::resource_unavailable_try_again) advice = kAllowMoreThreads;
  return failure.what() + std::string(advice);
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace fairlead
