#include "server/app/upgrade/contact.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>

namespace fairlead {
namespace {

int option_of(int descriptor, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

Outcome<UpgradeContact> UpgradeContact::take_from_environment() {
  const char* const value = ::getenv(kUpgradeVariable);
  if (value == nullptr) return UpgradeContact();
  const std::string text = value;
  ::unsetenv(kUpgradeVariable);
  int number = -1;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && last == text.data() + text.size() && number > 2;
  ucred creator{};
  socklen_t size = sizeof creator;
  if (!is_number || option_of(number, SO_DOMAIN) != AF_UNIX ||
      option_of(number, SO_TYPE) != SOCK_STREAM ||
      ::getsockopt(number, SOL_SOCKET, SO_PEERCRED, &creator, &size) != 0)
    return failure(std::string(kUpgradeVariable) + "=" + text +
                   " is no channel to an older process; unset it");
  static_cast<void>(::fcntl(number, F_SETFD, FD_CLOEXEC));
  return UpgradeContact{Descriptor(number), creator.pid};
}

}  // namespace fairlead
