#include "common/io/listener.hpp"

#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "common/io/link.hpp"
#include "common/io/loop_core.hpp"
#include "common/io/socket_address.hpp"

namespace fairlead {
namespace {

using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol, LoopExecutor>;

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
  bool accept_waiting(int accepts_max);
  void reject_waiting(int error);
  void hand_over(Loop& chosen, LoopSocket connection);
  void retry_later(const error_code& why);
  void pause(std::function<void()> paused);
  void resume();
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
  Protocol::endpoint peer;  // of the connection that was accepted last
  bool pending = false;     // an async_accept, which may hold a connection already
  bool is_held = false;     // paused
  bool closed = false;
  std::function<void()> on_stopped;  // stopped, or paused
};

// Accepts into the context of the loop that will serve. The first of a burst arrives by
// async_accept; the rest are taken at once.
void Listener::Accepting::accept_loop() {
  if (pending) return;
  pending = true;
  Loop& chosen = client.place();
  acceptor.async_accept(chosen.core().context(), peer,
                        [this, &chosen](const error_code& error, LoopSocket connection) {
                          pending = false;
                          bool paused = false;
                          core.turn([&] {
                            if (!error) hand_over(chosen, std::move(connection));
                            if (closed || is_held) return report_stopped();
                            paused = is_shortage(error);
                            if (paused) return retry_later(error);
                            if (!error) paused = !accept_waiting(kAcceptsPerTurn - 1);
                          });
                          if (!paused && !closed && !is_held) accept_loop();
                        });
}

// Accepts until no connection waits. False: paused.
bool Listener::Accepting::accept_waiting(int accepts_max) {
  for (int i = 0; i < accepts_max; ++i) {
    Loop& chosen = client.place();
    error_code error;
    LoopSocket connection = acceptor.accept(chosen.core().context(), peer, error);
    if (!error) hand_over(chosen, std::move(connection));
    if (error == asio::error::would_block) return true;
    if (is_shortage(error)) {
      retry_later(error);
      return false;
    }
  }
  return true;
}

// Tells the clients that wait, rather than leave them to time-outs of their own.
void Listener::Accepting::reject_waiting(int error) {
  while ((error == EMFILE || error == ENFILE) && reserve.spend_one()) {
    error_code failed;
    LoopSocket connection = acceptor.accept(core.context(), peer, failed);
    if (failed) return;
    client.turned_away(loop, std::make_unique<Link>(core, std::move(connection)),
                       peer_address(*peer.data()));
  }
}

void Listener::Accepting::hand_over(Loop& chosen, LoopSocket connection) {
  const auto deliver = [&to = client, &chosen,
                        from = peer_address(*peer.data())](LoopSocket accepted) {
    to.accepted(chosen, std::make_unique<Link>(chosen.core(), std::move(accepted)), from);
  };
  if (&chosen == &loop) return deliver(std::move(connection));
  asio::post(chosen.core().context(),
             [&chosen, deliver, accepted = std::move(connection)]() mutable {
               chosen.core().turn([&] { deliver(std::move(accepted)); });
             });
}

void Listener::Accepting::retry_later(const error_code& why) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= report_next) {
    report_next = now + kReportEvery;
    client.accept_failed(why.message());
  }
  reject_waiting(why.value());
  retry.expires_after(kRetryAfter);
  retry.async_wait([this](const error_code& failed) {
    if (failed || closed || is_held) return;
    reserve.refill();
    accept_loop();
  });
}

// What was pending comes back, perhaps with a connection.
void Listener::Accepting::pause(std::function<void()> paused) {
  is_held = true;
  on_stopped = std::move(paused);
  retry.cancel();
  error_code ignored;
  acceptor.cancel(ignored);
  if (!pending) report_stopped();
}

void Listener::Accepting::resume() {
  if (closed) return;
  is_held = false;
  report_stopped();
  accept_loop();
}

void Listener::Accepting::close() {
  if (std::exchange(closed, true)) return;
  retry.cancel();
  error_code ignored;
  acceptor.close(ignored);
}

void Listener::Accepting::stop(std::function<void()> stopped) {
  constexpr int kEverybody = 1 << 20;
  if (!closed && !is_held) accept_waiting(kEverybody);
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

void Listener::start() { accepting_->resume(); }
void Listener::pause(std::function<void()> paused) { accepting_->pause(std::move(paused)); }
void Listener::resume() { accepting_->resume(); }

void Listener::stop(std::function<void()> stopped) { accepting_->stop(std::move(stopped)); }

const ListeningSocket& Listener::socket() const noexcept { return accepting_->socket; }

}  // namespace fairlead
