#include "common/io/descriptor_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <span>
#include <system_error>
#include <utility>

#include "common/base/check.hpp"
#include "common/io/loop_core.hpp"

namespace fairlead {
namespace {

using boost::system::error_code;

constexpr std::size_t kReceiveBytes = std::size_t{64} * 1024;

// Receives of one turn, so that the loop's other clients are served meanwhile.
constexpr int kReceivesPerTurn = 16;

// The ancillary data of one message: a header, and the most descriptors that it may have.
struct alignas(cmsghdr) Ancillary {
  std::array<char, CMSG_SPACE(kPassedDescriptorsMax * sizeof(int))> bytes{};
};

// As sendmsg(2).
ssize_t send_message(int socket, Bytes bytes, std::span<const int> descriptors) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  Ancillary ancillary;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = ancillary.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// As recvmsg(2). Where the process has no room for all descriptors, the first ones come
// (MSG_CTRUNC).
ssize_t receive_message(int socket, std::span<char> room, std::vector<int>& descriptors) {
  iovec piece{room.data(), room.size()};
  Ancillary ancillary;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes.data();
  message.msg_controllen = ancillary.bytes.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    const std::size_t before = descriptors.size();
    descriptors.resize(before + bytes / sizeof(int));
    std::memcpy(descriptors.data() + before, CMSG_DATA(header), bytes);
  }
  return size;
}

bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

// Handlers hold it weakly: one may come when the channel has gone.
struct DescriptorChannel::State {
  using Self = std::shared_ptr<State>;
  struct Message {
    std::string bytes;
    std::vector<int> descriptors;  // none once its first byte has been sent
    std::size_t sent_bytes = 0;
  };

  State(LoopCore& core, Descriptor descriptor, DescriptorChannelClient& to)
      : loop(core), socket(core.context()), client(to) {
    error_code failed;
    socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), descriptor.get(), failed);
    if (failed) throw std::system_error(failed, "cannot wait for the other process");
    descriptor.release();
  }

  // Handlers get here as `act(Self)`, in a turn.
  template <class Act>
  static auto in_turn(const Self& state, Act act) {
    return [weak = std::weak_ptr<State>(state), act](const error_code& failed = {}) {
      const Self self = weak.lock();
      if (self && !self->is_over) self->loop.turn([&] { act(self, failed); });
    };
  }

  static void wait_to_receive(const Self& state) {
    state->socket.async_wait(LoopSocket::wait_read,
                             in_turn(state, [](const Self& self, const error_code& failed) {
                               if (!failed) receive(self);
                             }));
  }

  static void receive(const Self& self) {
    for (int i = 0; i < kReceivesPerTurn && self->is_receiving; ++i) {
      std::vector<int> descriptors;
      const ssize_t size = receive_message(self->socket.native_handle(),
                                           {self->room.get(), kReceiveBytes}, descriptors);
      if (size < 0 && is_passing(errno)) break;
      if (size <= 0) return end(self);
      self->client.received({self->room.get(), static_cast<std::size_t>(size)}, descriptors);
    }
    if (self->is_receiving) wait_to_receive(self);
  }

  // An errno: the first message cannot be begun. Any other failure is the end of the channel.
  static int send_waiting(const Self& self) {
    while (!self->outgoing.empty()) {
      Message& message = self->outgoing.front();
      const ssize_t size =
          send_message(self->socket.native_handle(),
                       Bytes(message.bytes).substr(message.sent_bytes), message.descriptors);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && is_passing(errno)) {
        wait_for_room(self);
        return 0;
      }
      if (size < 0) return errno;
      message.descriptors.clear();
      message.sent_bytes += static_cast<std::size_t>(size);
      if (message.sent_bytes < message.bytes.size()) continue;
      self->outgoing.pop_front();
      ++self->sents_due;
    }
    return 0;
  }

  static void wait_for_room(const Self& state) {
    state->socket.async_wait(LoopSocket::wait_write,
                             in_turn(state, [](const Self& self, const error_code& failed) {
                               // rest() cancels this one, too.
                               if (failed) return wait_for_room(self);
                               self->has_broken |= send_waiting(self) != 0;
                               settle(self);
                             }));
  }

  static void settle_later(const Self& state) {
    asio::post(state->socket.get_executor(),
               [act = in_turn(state, [](const Self& self, const error_code&) { settle(self); })] {
                 act();
               });
  }
  static void settle(const Self& self) {
    while (!self->is_over && self->sents_due > 0) {
      --self->sents_due;
      self->client.sent();
    }
    if (self->has_broken) end(self);
  }

  static void end(const Self& self) {
    self->is_receiving = self->has_broken = false;
    settle(self);
    if (!std::exchange(self->is_over, true)) self->client.ended();
  }

  LoopCore& loop;
  LoopSocket socket;
  DescriptorChannelClient& client;
  const std::unique_ptr<char[]> room = std::make_unique_for_overwrite<char[]>(kReceiveBytes);
  std::deque<Message> outgoing;
  std::size_t sents_due = 0;  // messages that the kernel has, of which the client has not been told
  bool is_receiving = false;
  bool has_broken = false;  // nothing more can be sent
  bool is_over = false;     // the client hears of nothing any more
};

std::pair<Descriptor, Descriptor> DescriptorChannel::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

DescriptorChannel::DescriptorChannel(Loop& loop, Descriptor socket, DescriptorChannelClient& client)
    : state_(std::make_shared<State>(loop.core(), std::move(socket), client)) {}

DescriptorChannel::~DescriptorChannel() {
  state_->is_receiving = false;
  state_->is_over = true;
  error_code ignored;
  state_->socket.close(ignored);
}

void DescriptorChannel::start() {
  state_->is_receiving = true;
  State::wait_to_receive(state_);
}

DescriptorChannel::Sending DescriptorChannel::send(std::string message,
                                                   const std::vector<int>& descriptors) {
  FAIRLEAD_CHECK(!message.empty() && descriptors.size() <= kPassedDescriptorsMax);
  if (state_->is_over || state_->has_broken) return Sending::begun;  // nobody hears it
  const bool is_first = state_->outgoing.empty();
  state_->outgoing.push_back({std::move(message), descriptors});
  if (!is_first) return Sending::begun;
  const int why = State::send_waiting(state_);
  if (why == ETOOMANYREFS) {
    state_->outgoing.clear();
    return Sending::too_many;
  }
  state_->has_broken = why != 0;
  State::settle_later(state_);
  return Sending::begun;
}

bool DescriptorChannel::is_sending() const noexcept { return !state_->outgoing.empty(); }

void DescriptorChannel::rest() {
  state_->is_receiving = false;
  error_code ignored;
  state_->socket.cancel(ignored);
}

std::string DescriptorChannel::stop_receiving() {
  state_->is_receiving = false;
  state_->is_over = true;
  const int socket = state_->socket.native_handle();
  ::shutdown(socket, SHUT_RD);
  std::string received;
  std::vector<int> descriptors;
  while (true) {
    const ssize_t size = receive_message(socket, {state_->room.get(), kReceiveBytes}, descriptors);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    received.append(state_->room.get(), static_cast<std::size_t>(size));
  }
  for (const int descriptor : descriptors) ::close(descriptor);
  error_code ignored;
  state_->socket.cancel(ignored);
  return received;
}

Descriptor DescriptorChannel::release() {
  state_->is_receiving = false;
  state_->is_over = true;
  error_code failed;
  const int descriptor = state_->socket.release(failed);
  return failed ? Descriptor() : Descriptor(descriptor);
}

bool is_held_by_other(const Descriptor& channel) noexcept {
  pollfd asked{channel.get(), 0, 0};
  return ::poll(&asked, 1, 0) >= 0 && (asked.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

}  // namespace fairlead
