// Sends datagrams to a unix socket, such as a service manager's.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>
#include <system_error>

#include "common/base/descriptor.hpp"

namespace fairlead {

// Not bound to a loop: it never waits.
class DatagramSender {
 public:
  // `address`: an absolute path, or `@` and a name of the abstract namespace (unix(7)). `error`
  // says why nothing can be sent there, whoever listens.
  DatagramSender(std::string_view address, std::error_code& error) noexcept;

  // One datagram. Who listens is looked up anew each time. An error: it is lost.
  std::error_code send(std::string_view text) noexcept;

 private:
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
  Descriptor socket_;
};

}  // namespace fairlead
