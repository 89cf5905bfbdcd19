#include "common/io/link.hpp"

#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace fairlead {
namespace {

// Disconnects that happen every day are told from those that say the network is gone.
TransportError kind_of(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ESHUTDOWN:
      return TransportError::reset;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENETRESET:
      return TransportError::vanished;
    default:
      return TransportError::failed;
  }
}

// The attempt was too early, or was disturbed: it will be made again.
bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

// connect(2): "TCP sockets may dissolve the association by connecting to an address with sa_family
// AF_UNSPEC"; the peer gets an RST. SO_LINGER would do the same by a setting that also changes
// close(2).
void send_reset(int descriptor) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(descriptor, &unspecified, sizeof unspecified));
}

constexpr std::size_t kPiecesMax = 16;

// What the kernel may hold unsent for a quick reader: copies are memory of its own; the pages of a
// file are in its cache anyway, so they may be all that it takes.
constexpr std::uint32_t kCopiesUnsentMost = 2 * 1024 * 1024;
constexpr std::uint32_t kPagesUnsentMost = 8 * 1024 * 1024;

// One write of up to kPiecesMax pieces; the kernel's answer, as of send(2). `more`: MSG_MORE or 0.
ssize_t write_pieces(int descriptor, std::span<const Bytes> pieces, int more) {
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | more;
  const std::size_t count = std::min(pieces.size(), kPiecesMax);
  if (count == 1) return ::send(descriptor, pieces[0].data(), pieces[0].size(), flags);
  std::array<iovec, kPiecesMax> buffers;
  std::transform(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count),
                 buffers.begin(), [](Bytes piece) {
                   return iovec{const_cast<char*>(piece.data()), piece.size()};
                 });
  msghdr message{};
  message.msg_iov = buffers.data();
  message.msg_iovlen = count;
  return ::sendmsg(descriptor, &message, flags);
}

// As much of the queue as fits into one write.
ssize_t write_front(int descriptor, const ByteQueue& queue, int more) {
  std::array<Bytes, kPiecesMax> pieces;
  return write_pieces(descriptor, {pieces.data(), queue.front(pieces)}, more);
}

}  // namespace

Link::Link(LoopCore& loop, int descriptor)
    : loop_(loop), queue_(loop.pool()), descriptor_(descriptor) {}

Link::~Link() {
  if (finish_pending_) loop_.abandon(*this);
  if (terminated_) return;
  loop_.forget(watched_, *this);
  ::close(descriptor_);
}

void Link::start(TransportObserver& observer) {
  observer_ = &observer;
  watch();
}

void Link::watch() {
  const std::uint32_t wanted = wanted_events();
  if (const int error = loop_.watch(descriptor_, watched_, wanted, *this)) return fail(error);
  watched_ = wanted;
}

std::uint32_t Link::wanted_events() const noexcept {
  return (paused_ || ended_ ? 0U : EPOLLIN) | (blocked_ ? EPOLLOUT : 0U);
}

void Link::on_ready(std::uint32_t events) {
  constexpr std::uint32_t kBroken = EPOLLERR | EPOLLHUP;
  const std::uint32_t unwanted = events & ~wanted_events();
  if (blocked_ && (events & (EPOLLOUT | kBroken)) != 0) write_on();
  if (!terminated_ && !paused_ && !ended_ && (events & (EPOLLIN | kBroken)) != 0) {
    read(takes_much_ ? kReadBytesMax : kFirstReadBytesMax);
  }
  // Only here is watched for less, and only for what was unwanted before: a session that is paused
  // and resumed at once, or that fills the kernel again, costs no system call for it.
  if (!terminated_ && (unwanted & ~wanted_events()) != 0) watch();
}

// ---- Reading ----

// False: nothing was there.
bool Link::read(std::size_t bytes_max) {
  const ssize_t size = ::recv(descriptor_, loop_.scratch(), bytes_max, MSG_DONTWAIT);
  if (size > 0) {
    const Bytes bytes(loop_.scratch(), static_cast<std::size_t>(size));
    observer_->on_bytes(bytes);
    takes_much_ = bytes.size() == bytes_max && !paused_;
  } else if (size == 0) {
    ended_ = true;
    observer_->on_end();
  } else if (is_passing(errno)) {
    return false;
  } else {
    fail(errno);
  }
  return true;
}

void Link::resume() {
  paused_ = false;
  if (observer_ != nullptr && !terminated_) watch();
}

void Link::probe() {
  if (terminated_) return;
  if (ended_ || !read(kReadBytesMax)) observer_->on_silence();
}

// ---- Writing ----

void Link::send(Bytes bytes) {
  more_follows_ = false;
  if (!terminated_) queue_.append(bytes);
}

void Link::send_rest(Bytes bytes) {
  send(bytes);
  more_follows_ = true;
}

void Link::flush() {
  if (terminated_) return;
  if (!blocked_) write();
  if (blocked_ && (watched_ & EPOLLOUT) == 0) watch();
}

void Link::block() {
  blocked_ = true;
  if (unsent_bound_) unsent_bound_->on_full(loop_.turn_began());
}

void Link::expect_much(std::uint32_t unsent_most) {
  if (!unsent_bound_) unsent_bound_ = std::make_unique<UnsentBound>(descriptor_, unsent_most);
}

bool Link::may_offer() const noexcept {
  return !terminated_ && !failed_ && !blocked_ && queue_.empty();
}

std::size_t Link::offer(std::span<const Bytes> pieces) {
  if (!may_offer()) return 0;
  expect_much(kCopiesUnsentMost);
  return count_sent(write_pieces(descriptor_, pieces, 0));
}

std::size_t Link::offer_file(const FilePart& part) {
  if (!may_offer()) return 0;
  // sendfile(2) has no MSG_DONTWAIT, and a socket that Asio has accepted waits.
  if (int on = 1; !never_waits_ && ::ioctl(descriptor_, FIONBIO, &on) != 0) return 0;
  never_waits_ = true;
  expect_much(kPagesUnsentMost);
  auto offset = static_cast<off_t>(part.offset);
  const ssize_t size = ::sendfile(descriptor_, part.descriptor, &offset, part.size);
  const std::size_t taken = count_sent(size);
  // At the end of a file that has become shorter, too: there is room at once.
  if (size < 0 ? is_passing(errno) : taken < part.size) block();
  return taken;
}

std::size_t Link::count_sent(std::ptrdiff_t size) noexcept {
  const std::size_t taken = size > 0 ? static_cast<std::size_t>(size) : 0;
  sent_bytes_ += taken;
  return taken;
}

void Link::finish_sending() {
  finishing_ = true;
  if (queue_.empty()) blocked_ = false;  // a FIN needs no room
}

void Link::write() {
  while (!queue_.empty()) {
    const ssize_t size = write_front(descriptor_, queue_, more_follows_ ? MSG_MORE : 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return is_passing(errno) ? block() : fail(errno);
    sent_bytes_ += static_cast<std::size_t>(size);
    queue_.consume(static_cast<std::size_t>(size));
  }
  blocked_ = false;
  if (finishing_ && !finished_sending_) {
    ::shutdown(descriptor_, SHUT_WR);
    finished_sending_ = true;
    if (unsent_bound_) unsent_bound_->on_full(loop_.turn_began());  // nothing comes behind it
  }
}

// The kernel takes bytes again.
void Link::write_on() {
  if (unsent_bound_) unsent_bound_->on_room(loop_.turn_began());
  const std::uint64_t before = sent_bytes_;
  const bool for_a_file = queue_.empty();
  write();
  const bool moved = for_a_file || sent_bytes_ != before || finished_sending_;
  if (moved && !terminated_ && !failed_) observer_->on_progress();
}

// ---- The end ----

void Link::fail(int error) {
  if (terminated_ || failed_) return;
  failed_ = ended_ = true;
  blocked_ = false;
  observer_->on_error(kind_of(error));
}

void Link::terminate(TerminateManner manner) {
  if (terminated_) return;
  terminated_ = true;
  queue_.clear();
  if (manner == TerminateManner::reset) send_reset(descriptor_);
  loop_.forget(watched_, *this);
  ::close(descriptor_);
  finish_pending_ = true;
  loop_.finish(*this);
}

void Link::tell_finished() {
  finish_pending_ = false;
  observer_->on_finished();
}

}  // namespace fairlead
