#include "common/io/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cerrno>
#include <utility>

#include "common/io/loop_core.hpp"
#include "common/io/socket_address.hpp"

namespace fairlead {
namespace {

using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol, LoopExecutor>;
using Connection = asio::basic_stream_socket<Protocol, LoopExecutor>;

// One turn's worth, so that a storm of connections does not hold up those who are connected.
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kRetryAfter{50};
constexpr std::chrono::seconds kReportEvery{1};

// Lack of something, which time or our own closes will mend; anything else is one connection's
// trouble (accept(2)).
bool is_shortage(const error_code& error) {
  return error.value() == EMFILE || error.value() == ENFILE || error.value() == ENOBUFS ||
         error.value() == ENOMEM;
}

int family_of(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::unix_socket) return AF_UNIX;
  return endpoint.host.find(':') == std::string::npos ? AF_INET : AF_INET6;
}

}  // namespace

struct Listener::Accepting {
  Accepting(Loop& own, ListeningSocket listening, ListenerClient& to, DescriptorReserve& kept)
      : loop(own),
        core(own.core()),
        client(to),
        reserve(kept),
        socket(std::move(listening)),
        acceptor(core.context(), Protocol(family_of(socket.address), 0), socket.descriptor),
        retry(core.context()) {
    error_code ignored;
    acceptor.non_blocking(true, ignored);
  }

  void accept_loop();
  int accept_one(PeerAddress& peer);
  bool accept_waiting(int at_most);
  void turn_away_waiting(int error);
  void take(int descriptor, const PeerAddress& peer);
  void pause(const error_code& why);
  void close();
  void stop(std::function<void()> stopped);
  void report_stopped();

  Loop& loop;
  LoopCore& core;
  ListenerClient& client;
  DescriptorReserve& reserve;
  ListeningSocket socket;
  Acceptor acceptor;
  LoopTimer retry;
  std::chrono::steady_clock::time_point report_next{};
  Protocol::endpoint peer_endpoint;
  bool pending = false;  // an async_accept, which may hold a connection already
  bool closed = false;
  std::function<void()> on_stopped;
};

// The first of a burst arrives by async_accept; the rest are taken at once.
void Listener::Accepting::accept_loop() {
  pending = true;
  acceptor.async_accept(peer_endpoint, [this](error_code error, Connection connection) {
    pending = false;
    bool paused = false;
    core.turn([&] {
      const int descriptor = error ? -1 : connection.release(error);
      if (!error) take(descriptor, peer_address(*peer_endpoint.data()));
      if (closed) return report_stopped();
      if (error) {
        paused = is_shortage(error);
        if (paused) pause(error);
        return;
      }
      paused = !accept_waiting(kAcceptsPerTurn - 1);
    });
    if (!paused && !closed) accept_loop();
  });
}

// A descriptor, or -1 and errno.
int Listener::Accepting::accept_one(PeerAddress& peer) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int descriptor = ::accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from),
                                   &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) peer = peer_address(reinterpret_cast<const sockaddr&>(from));
  return descriptor;
}

// Accepts until nobody waits. False: paused.
bool Listener::Accepting::accept_waiting(int at_most) {
  for (int i = 0; i < at_most; ++i) {
    PeerAddress peer;
    if (const int descriptor = accept_one(peer); descriptor >= 0) {
      take(descriptor, peer);
      continue;
    }
    const error_code error(errno, boost::system::system_category());
    if (error == asio::error::would_block) return true;
    if (is_shortage(error)) {
      pause(error);
      return false;
    }
  }
  return true;
}

// Whoever waits is told, rather than left to a time-out of its own.
void Listener::Accepting::turn_away_waiting(int error) {
  while ((error == EMFILE || error == ENFILE) && reserve.spend_one()) {
    PeerAddress peer;
    const int descriptor = accept_one(peer);
    if (descriptor < 0) return;
    client.turned_away(loop, loop.adopt(descriptor), peer);
  }
}

void Listener::Accepting::take(int descriptor, const PeerAddress& peer) {
  Loop& chosen = client.place(peer);
  if (&chosen == &loop) return client.accepted(loop, loop.adopt(descriptor), peer);
  // Across threads a connection travels as a number.
  chosen.post([&chosen, &to = client, descriptor, peer] {
    to.accepted(chosen, chosen.adopt(descriptor), peer);
  });
}

void Listener::Accepting::pause(const error_code& why) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= report_next) {
    report_next = now + kReportEvery;
    client.accept_failed(why.message());
  }
  turn_away_waiting(why.value());
  retry.expires_after(kRetryAfter);
  retry.async_wait([this](const error_code& failed) {
    if (failed || closed) return;
    reserve.refill();
    accept_loop();
  });
}

void Listener::Accepting::close() {
  if (std::exchange(closed, true)) return;
  retry.cancel();
  error_code ignored;
  acceptor.close(ignored);
}

void Listener::Accepting::stop(std::function<void()> stopped) {
  constexpr int kEverybody = 1 << 20;
  if (!closed) accept_waiting(kEverybody);
  close();
  on_stopped = std::move(stopped);
  if (!pending) report_stopped();
}

void Listener::Accepting::report_stopped() {
  if (on_stopped) std::exchange(on_stopped, nullptr)();
}

Listener::Listener(Loop& loop, ListeningSocket socket, ListenerClient& client,
                   DescriptorReserve& reserve)
    : accepting_(std::make_unique<Accepting>(loop, std::move(socket), client, reserve)) {}

Listener::~Listener() { accepting_->close(); }

void Listener::start() { accepting_->accept_loop(); }

void Listener::stop(std::function<void()> stopped) { accepting_->stop(std::move(stopped)); }

const Endpoint& Listener::address() const noexcept { return accepting_->socket.address; }

}  // namespace fairlead
