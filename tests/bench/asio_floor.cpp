// The least an echo server of Boost.Asio can do: a read loop of async_read_some, an attempt to
// write at once, and async_write for what the kernel refuses. No limits, no time-outs, no
// protocols. What the daemon costs above it is ours; what it costs above the C floor is Asio's.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Keeps itself alive through its pending operation.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {
    socket_.set_option(tcp::no_delay(true));
    socket_.non_blocking(true);
  }

  void read_loop() {
    socket_.async_read_some(asio::buffer(bytes_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    error_code error;
    const std::size_t taken = socket_.write_some(asio::buffer(bytes_, size), error);
    if (taken == size) return read_loop();
    if (error && error != asio::error::would_block) return;
    asio::async_write(socket_, asio::buffer(bytes_.data() + taken, size - taken),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                        if (!failed) self->read_loop();
                      });
  }

  tcp::socket socket_;
  std::array<char, 4096> bytes_{};
};

void accept_loop(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](const error_code& error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read_loop();
    accept_loop(acceptor);
  });
}

}  // namespace

// Prints its port, which the kernel chooses, and serves until it is killed.
int main() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(4096);
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  accept_loop(acceptor);
  context.run();
}
