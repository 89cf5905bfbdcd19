// The peer's side: blocking sockets without a line of common/io.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead {

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  void send_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(size, 0) << "send: errno " << errno;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  void end_sending() const { ::shutdown(descriptor_, SHUT_WR); }

  // Up to `bytes_max`, until the stream ends or fails; `error` is 0 or the errno of recv.
  std::string receive(std::size_t bytes_max, int& error) const {
    std::string received;
    char piece[65536];
    error = 0;
    while (received.size() < bytes_max) {
      const ssize_t size =
          ::recv(descriptor_, piece, std::min(sizeof piece, bytes_max - received.size()), 0);
      if (size < 0) error = errno;
      if (size <= 0) break;
      received.append(piece, static_cast<std::size_t>(size));
    }
    return received;
  }

  std::string receive_exactly(std::size_t size) const {
    int error = 0;
    std::string received = receive(size, error);
    EXPECT_EQ(size, received.size()) << "errno " << error;
    return received;
  }

  // Everything until the peer's FIN.
  std::string receive_until_end() const {
    int error = 0;
    std::string received = receive(SIZE_MAX, error);
    EXPECT_EQ(0, error);
    return received;
  }

  // So that a test fails instead of hanging.
  void give_up_after(int seconds) const {
    const timeval wait{seconds, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  }

 private:
  int descriptor_;
};

inline void set_buffers(int descriptor, int bytes) {
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline Socket new_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_GE(socket.get(), 0);
  socket.give_up_after(60);
  return socket;
}

inline void connect_to(const Socket& socket, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  ASSERT_EQ(0, ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address))
      << "errno " << errno;
}

// Two ends of one TCP connection over loopback; `buffers` above 0 are the sizes of all four of
// their kernel buffers.
struct Pair {
  Socket near, far;
};

inline Pair connected_pair(int buffers = 0) {
  const Socket listening = new_socket();
  if (buffers > 0) set_buffers(listening.get(), buffers);
  sockaddr_in address = loopback(0);
  EXPECT_EQ(0,
            ::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  EXPECT_EQ(0, ::listen(listening.get(), 1));
  socklen_t size = sizeof address;
  EXPECT_EQ(0, ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size));
  Socket far = new_socket();
  if (buffers > 0) set_buffers(far.get(), buffers);
  connect_to(far, ntohs(address.sin_port));
  Socket near(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_GE(near.get(), 0);
  return {std::move(near), std::move(far)};
}

inline int option(int descriptor, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(0, ::getsockopt(descriptor, level, name, &value, &size)) << "errno " << errno;
  return value;
}

// Bytes in which every position is recognisable.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace fairlead
