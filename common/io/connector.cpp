#include "common/io/connector.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <mutex>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/io/link.hpp"
#include "common/io/loop_core.hpp"
#include "common/io/socket_address.hpp"

namespace fairlead {
namespace {

using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;

std::error_code standard(const error_code& error) {
  return {error.value(), std::generic_category()};
}

// ---- Names ----

int native(AddressFamily family) {
  return family == AddressFamily::any    ? AF_UNSPEC
         : family == AddressFamily::ipv4 ? AF_INET
                                         : AF_INET6;
}

Result<Resolved> look_up(const std::string& host, std::uint16_t port, AddressFamily family,
                         int flags) {
  addrinfo hints{};
  hints.ai_family = native(family);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status == EAI_SYSTEM) return make_error(std::generic_category().message(errno));
  if (status != 0) return make_error(::gai_strerror(status));
  Resolved result;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    result.addresses.push_back(peer_address(*one->ai_addr));
    result.zone = std::max(result.zone, zone_of(*one->ai_addr));
  }
  ::freeaddrinfo(found);
  return result;
}

// Shared with a thread that may outlast the question, and even the loop. Asio's resolver is no
// choice: its context joins the thread that asks, so a name server that does not answer would hold
// up the end of the loop and of the process.
struct Question {
  std::mutex mutex;
  Loop* loop = nullptr;  // guarded by mutex; null: nobody waits any more
  std::function<void(Result<Resolved>)> done;
};

class Resolving final : public Pending {
 public:
  explicit Resolving(std::shared_ptr<Question> question) : question_(std::move(question)) {}
  ~Resolving() override {
    const std::lock_guard lock(question_->mutex);
    question_->loop = nullptr;
  }

 private:
  std::shared_ptr<Question> question_;
};

void answer(const std::shared_ptr<Question>& question, Result<Resolved> resolved) {
  const std::lock_guard lock(question->mutex);
  if (question->loop == nullptr) return;
  question->loop->post([question, resolved = std::move(resolved)]() mutable {
    // On the loop's thread, as is ~Resolving: nobody takes the question back meanwhile.
    if (std::exchange(question->loop, nullptr) != nullptr) question->done(std::move(resolved));
  });
}

// ---- Connections ----

class Connecting final : public Pending {
 public:
  struct Attempt {
    Attempt(LoopCore& core, std::function<void(Connected)> callback)
        : loop(core), socket(core.context()), again(core.context()), done(std::move(callback)) {}

    void answer(const error_code& failed) {
      if (!done) return;
      loop.turn([this, &failed] {
        const auto call = std::exchange(done, nullptr);
        if (failed) return call(tl::unexpected(standard(failed)));
        call(std::make_unique<Link>(loop, std::move(socket)));
      });
    }

    LoopCore& loop;
    LoopSocket socket;
    LoopTimer again;                      // a unix socket: the next try
    std::function<void(Connected)> done;  // empty once answered or taken back
  };

  explicit Connecting(std::shared_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
  ~Connecting() override {
    attempt_->done = nullptr;
    error_code ignored;
    attempt_->socket.close(ignored);
    attempt_->again.cancel();
  }

 private:
  std::shared_ptr<Attempt> attempt_;
};

Protocol::endpoint endpoint_of(const Destination& destination) {
  if (destination.address.family == PeerAddress::Family::unix_socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    destination.path.copy(address.sun_path, sizeof address.sun_path - 1);
    return {&address, sizeof address};
  }
  sockaddr_storage address{};
  const socklen_t size = fill_socket_address(destination.address, address, destination.zone);
  return {&address, size};
}

// Between two tries at a unix socket whose backlog is full.
constexpr std::chrono::milliseconds kFirstWait{1}, kLastWait{64};

// The kernel has no way to tell that a full backlog of a unix socket has room again: connect(2)
// gives EAGAIN, which Asio takes for success. Tries on until it is taken back.
void connect_unix(const std::shared_ptr<Connecting::Attempt>& attempt,
                  const Protocol::endpoint& endpoint, std::chrono::milliseconds wait) {
  const auto size = static_cast<socklen_t>(endpoint.size());
  const int status = ::connect(attempt->socket.native_handle(), endpoint.data(), size);
  const int error = status == 0 ? 0 : errno;
  if (error != EAGAIN && error != EINTR)
    return attempt->answer({error, boost::system::system_category()});
  attempt->again.expires_after(wait);
  attempt->again.async_wait([attempt, endpoint, wait](const error_code& cancelled) {
    if (!cancelled && attempt->done) connect_unix(attempt, endpoint, std::min(2 * wait, kLastWait));
  });
}

// Opens, binds and begins to connect; an error that is known at once is returned.
error_code begin(const std::shared_ptr<Connecting::Attempt>& attempt,
                 const Protocol::endpoint& endpoint, const ConnectSettings& settings) {
  error_code error;
  LoopSocket& socket = attempt->socket;
  socket.open(endpoint.protocol(), error);
  if (error) return error;
  const int yes = 1;  // not of a unix socket, and it does no harm there
  static_cast<void>(
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
  if (settings.receive_buffer_bytes > 0) {
    // Before connect(2), where the kernel decides how the windows of the connection are scaled.
    const auto bytes = static_cast<int>(settings.receive_buffer_bytes);
    static_cast<void>(
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes));
  }
  if (settings.source) {
    // Lets the kernel choose the port at connect(2), when it knows the whole pair: one source
    // address then serves more connections than it has ports.
    static_cast<void>(::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
                                   &yes, sizeof yes));
    socket.bind(endpoint_of({.address = *settings.source, .path = {}}), error);
    if (error) return error;
  }
  if (endpoint.protocol().family() == AF_UNIX) {
    socket.non_blocking(true, error);
    if (error) return error;
    asio::post(attempt->loop.context(), [attempt, endpoint] {
      if (attempt->done) connect_unix(attempt, endpoint, kFirstWait);
    });
    return {};
  }
  socket.async_connect(endpoint, [attempt](const error_code& failed) { attempt->answer(failed); });
  return {};
}

}  // namespace

std::unique_ptr<Pending> Connector::resolve(const std::string& host, std::uint16_t port,
                                            AddressFamily family,
                                            std::function<void(Result<Resolved>)> done) {
  auto question = std::make_shared<Question>();
  question->loop = &loop_;
  question->done = std::move(done);
  if (Result<Resolved> numeric = look_up(host, port, family, AI_NUMERICHOST)) {
    answer(question, std::move(numeric));
  } else {
    start_background_thread([question, host, port, family] {
      answer(question, look_up(host, port, family, 0));
    }).detach();
  }
  return std::make_unique<Resolving>(std::move(question));
}

std::unique_ptr<Pending> Connector::connect(const Destination& destination,
                                            const ConnectSettings& settings,
                                            std::function<void(Connected)> done) {
  auto attempt = std::make_shared<Connecting::Attempt>(loop_.core(), std::move(done));
  if (const error_code error = begin(attempt, endpoint_of(destination), settings)) {
    asio::post(loop_.core().context(), [attempt, error] { attempt->answer(error); });
  }
  return std::make_unique<Connecting>(std::move(attempt));
}

}  // namespace fairlead
