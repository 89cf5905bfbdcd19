#include "common/io/datagram_sender.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace fairlead {

DatagramSender::DatagramSender(std::string_view address, std::error_code& error) noexcept {
  error = std::make_error_code(std::errc::invalid_argument);
  const bool is_abstract = address.starts_with('@');
  // A path ends with a NUL byte, which an abstract name does not.
  if (address.size() < 2 || !(is_abstract || address.starts_with('/')) ||
      address.size() + (is_abstract ? 0 : 1) > sizeof address_.sun_path)
    return;
  address_.sun_family = AF_UNIX;
  std::ranges::copy(address, std::begin(address_.sun_path));
  if (is_abstract) address_.sun_path[0] = '\0';
  address_bytes_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() +
                                          (is_abstract ? 0 : 1));
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  error = socket_ ? std::error_code() : std::error_code(errno, std::generic_category());
}

std::error_code DatagramSender::send(std::string_view text) noexcept {
  const ssize_t sent = ::sendto(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
  return sent >= 0 ? std::error_code() : std::error_code(errno, std::generic_category());
}

}  // namespace fairlead
