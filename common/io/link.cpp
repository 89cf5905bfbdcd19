// Longer than 400 lines: reading, writing, probing, halting and ending share one state.
#include "common/io/link.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <new>
#include <span>
#include <utility>

namespace fairlead {
namespace {

using boost::system::error_code;

// Disconnects that happen every day are told from those that say the network is gone.
StreamError kind_of(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ESHUTDOWN:
      return StreamError::reset;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENETRESET:
      return StreamError::vanished;
    default:
      return StreamError::failed;
  }
}

// The attempt was too early, or was disturbed: it will be made again.
bool is_passing(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::interrupted;
}

// connect(2): "TCP sockets may dissolve the association by connecting to an address with sa_family
// AF_UNSPEC"; the peer gets an RST. SO_LINGER would do the same by a setting that also changes
// close(2).
void send_reset(int descriptor) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(descriptor, &unspecified, sizeof unspecified));
}

// Pool blocks of one gathering write: 64 KiB.
constexpr std::size_t kPiecesMax = 16;

// Of one that waits for room. The kernel wakes the loop for 16 KiB by default.
constexpr std::size_t kPendingPiecesMax = 7;

// What the kernel may hold unsent of a download: half of it must leave before the loop is woken for
// more. Parts of files lie in the file cache anyway, and get what the kernel gives to one socket
// (net.ipv4.tcp_wmem); what is copied takes memory of its own.
constexpr int kFileUnsentBytesMax = 4 * 1024 * 1024;
constexpr int kCopyUnsentBytesMax = 2 * 1024 * 1024;

// More than this at once is a download. The pieces of one gathering write are less.
constexpr std::size_t kLargeWriteBytes = 64 * std::size_t{1024};

// The bound of one sendfile(2): the turn's other connections wait for it.
constexpr std::size_t kFileBytesMax = 1024 * std::size_t{1024};

asio::const_buffer buffer_of(Bytes piece) { return {piece.data(), piece.size()}; }

}  // namespace

// ---- Operations ----

// A link may be gone when its loop, which was stopped, destroys the handlers of its operations:
// they know the memory without it.
struct Link::OnRead {
  using allocator_type = OperationAllocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
  void operator()(const error_code& error, std::size_t size = 0) const {
    link->on_read(error, size);
  }

  OperationPool* memory;
  Link* link;
};

// No buffers: it waits for room only.
struct Link::PendingWrite {
  Link& link;
  std::size_t count;
  std::array<asio::const_buffer, kPendingPiecesMax> buffers;
};

struct Link::OnRoom {
  using allocator_type = OperationAllocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
  void operator()(const error_code& error, std::size_t size = 0) const {
    write->link.on_room(error, size, *write);
  }

  OperationPool* memory;
  PendingWrite* write;  // in the same memory
};

Link::Link(LoopCore& loop, LoopSocket socket) : loop_(loop), socket_(std::move(socket)) {
  Error ignored;  // start() finds out
  socket_.non_blocking(true, ignored);
}

Link::~Link() {
  if (is_finish_pending_) loop_.abandon(*this);
  if (is_resting_) loop_.forget(*this);
}

void Link::start(StreamObserver& observer) {
  observer_ = &observer;
  if (!socket_.is_open()) return fail(asio::error::no_memory);
  read_later();
}

// ---- Reading ----

void Link::read_later() {
  if (is_terminated_ || is_resting_) return;
  is_resting_ = true;
  loop_.read_again_later(*this);
}

void Link::read_loop() {
  is_resting_ = false;
  if (is_reading_ || is_paused_ || has_ended_) return;
  if (has_overflowed_ && read_on()) return;
  is_reading_ = true;
  const OnRead on_read{&loop_.operation_memory(), this};
  try {
    if (has_overflowed_) {
      socket_.async_wait(LoopSocket::wait_read, on_read);
    } else {
      socket_.async_read_some(asio::buffer(own_), on_read);
    }
  } catch (const std::bad_alloc&) {
    is_reading_ = false;
    loop_.turn([this] { fail(asio::error::no_memory); });
  }
}

// A client that has just sent much often goes on. False: not yet.
bool Link::read_on() {
  Error error;
  const std::size_t bytes_max = read_bytes_max();
  const std::size_t size = read_into_scratch(bytes_max, 0, error);
  if (size == 0 && is_passing(error)) return false;
  // The turn may end with it, and the link with the turn.
  loop_.connection_turn([this, size, bytes_max, &error] {
    deliver(size, bytes_max, error);
    read_later();
  });
  return true;
}

// `size` bytes lie in own_; of 0, there is something to read.
void Link::on_read(const Error& error, std::size_t size) {
  is_reading_ = false;
  loop_.connection_turn([this, &error, size] {
    if (is_terminated_) return on_aborted();
    const bool is_probe = is_probing_;
    is_probing_ = false;
    if (has_failed_) {
      if (is_probe) return read_rest(size);
      if (size > 0) observer_->on_bytes({own_.data(), size});
      return;
    }
    if (error == asio::error::eof) {
      if (is_probe || !is_paused_) end();  // as in deliver()
    } else if (error && error != asio::error::operation_aborted) {
      fail(error);
    } else if (is_probe || (!is_paused_ && (size == 0 || size == own_.size()))) {
      // More may have come: one delivery for all of it.
      std::copy_n(own_.data(), size, loop_.scratch());
      const bool found = read_directly(read_bytes_max(), size);
      if (!found && is_probe) observer_->on_silence();
    } else if (size > 0) {
      takes_much_ = false;
      observer_->on_bytes({own_.data(), size});
    }
    check_halted();
    read_later();
  });
}

// Delivers what there is to read, behind `already` bytes that lie in the scratch. False: nothing.
bool Link::read_directly(std::size_t bytes_max, std::size_t already) {
  Error error;
  const std::size_t size = read_into_scratch(bytes_max, already, error);
  if (size == 0 && is_passing(error)) return false;
  deliver(size, bytes_max, error);
  return true;
}

// How many bytes lie in the scratch then.
std::size_t Link::read_into_scratch(std::size_t bytes_max, std::size_t already, Error& error) {
  char* const free = loop_.scratch() + already;
  return already + socket_.read_some(asio::buffer(free, bytes_max - already), error);
}

// The bytes in the scratch, then the end or the error that was found behind them.
void Link::deliver(std::size_t size, std::size_t bytes_max, const Error& error) {
  if (size > 0) {
    observer_->on_bytes({loop_.scratch(), size});
    has_overflowed_ = size > own_.size();
    takes_much_ = size == bytes_max && !is_paused_;
  }
  if (!error || is_passing(error)) return;
  if (error != asio::error::eof) return fail(error);  // recv(2) tells of it only once
  // The kernel keeps an end until a session that has paused reads again.
  if (size == 0 || !is_paused_) end();
}

std::size_t Link::read_bytes_max() const noexcept { return loop_.read_bytes_max(takes_much_); }

void Link::end() {
  if (is_terminated_ || has_ended_) return;
  has_ended_ = true;
  observer_->on_end();
}

void Link::resume() {
  is_paused_ = is_halting_ = false;
  if (observer_ != nullptr) read_later();
}

void Link::probe() {
  if (is_terminated_) return;
  if (is_reading_) {
    // The read may have taken bytes that its handler has yet to deliver. Only the answer to the
    // cancellation tells.
    is_probing_ = true;
    Error ignored;
    socket_.cancel(ignored);
    return;
  }
  if (has_failed_) return read_rest(0);
  if (has_ended_ || !read_directly(read_bytes_max())) observer_->on_silence();
}

// Behind an error. `already` bytes lie in own_. The kernel keeps what came before a reset.
void Link::read_rest(std::size_t already) {
  std::copy_n(own_.data(), already, loop_.scratch());
  Error ignored;
  const std::size_t size = read_into_scratch(kReadBytesMax, already, ignored);
  if (size == 0) return observer_->on_silence();
  observer_->on_bytes({loop_.scratch(), size});
}

// ---- Writing ----

std::size_t Link::write_some(std::span<const Bytes> pieces) {
  std::size_t taken = 0;
  while (!pieces.empty() && may_write()) {
    const auto batch = pieces.first(std::min(pieces.size(), kPiecesMax));
    pieces = pieces.subspan(batch.size());
    std::size_t offered = 0;
    for (const Bytes piece : batch) offered += piece.size();
    if (offered > kLargeWriteBytes) begin_download(kCopyUnsentBytesMax);
    Error error;
    const std::size_t size = write_batch(batch, error);
    taken += size;
    if (error && !is_passing(error)) fail(error);
    if (size < offered) break;
  }
  return taken;
}

std::size_t Link::write_batch(std::span<const Bytes> pieces, Error& error) {
  if (pieces.size() == 1) return socket_.write_some(buffer_of(pieces.front()), error);
  std::array<asio::const_buffer, kPiecesMax> buffers;
  std::ranges::transform(pieces, buffers.begin(), buffer_of);
  return socket_.write_some(std::span(buffers.data(), pieces.size()), error);
}

// Asio has no sendfile(2).
std::optional<std::size_t> Link::write_file(const FilePart& part) {
  if (!may_write()) return 0;
  begin_download(kFileUnsentBytesMax);
  auto offset = static_cast<off_t>(part.offset);
  const ssize_t size = ::sendfile(socket_.native_handle(), part.descriptor, &offset,
                                  std::min(part.size, kFileBytesMax));
  if (size >= 0) return static_cast<std::size_t>(size);
  const Error error(errno, boost::system::system_category());
  if (is_passing(error)) return 0;
  // Anything else may be the file's trouble: its bytes can still be read.
  if (kind_of(error.value()) == StreamError::failed) return std::nullopt;
  fail(error);
  return 0;
}

void Link::write_later(std::span<const Bytes> pieces) {
  if (!may_write()) return;
  try {
    void* const memory = loop_.operation_memory().allocate(sizeof(PendingWrite));
    auto& write = *new (memory) PendingWrite{*this, 0, {}};
    write.count = std::min(pieces.size(), kPendingPiecesMax);
    std::ranges::transform(pieces.first(write.count), write.buffers.begin(), buffer_of);
    begin_write(write);
  } catch (const std::bad_alloc&) {
    fail(asio::error::no_memory);
  }
}

void Link::begin_write(PendingWrite& write) {
  const OnRoom on_room{&loop_.operation_memory(), &write};
  if (write.count == 0) {
    socket_.async_wait(LoopSocket::wait_write, on_room);
  } else {
    socket_.async_write_some(std::span<const asio::const_buffer>(write.buffers.data(), write.count),
                             on_room);
  }
  is_writing_ = true;
}

void Link::on_room(const Error& error, std::size_t size, PendingWrite& write) {
  is_writing_ = false;
  // A probe cancels the write with the read.
  const bool is_cancelled = error == asio::error::operation_aborted;
  if (is_cancelled && may_write() && !is_halting_) return begin_write(write);
  loop_.operation_memory().deallocate(&write, sizeof write);
  loop_.connection_turn([this, &error, size, is_cancelled] {
    if (is_terminated_) return on_aborted();
    if (error && !(is_cancelled && is_halting_)) return fail(error);
    if (!has_failed_) observer_->on_written(size);
    check_halted();
  });
}

void Link::shut_down() {
  if (is_terminated_ || has_failed_) return;
  Error ignored;
  socket_.shutdown(LoopSocket::shutdown_send, ignored);
}

// A bound of 0 is none.
void Link::begin_download(int unsent_bytes_max) {
  if (is_download_) return;
  is_download_ = true;
  int bound = 0;
  socklen_t size = sizeof bound;
  const int descriptor = socket_.native_handle();
  const bool is_tcp = ::getsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bound, &size) == 0;
  if (!is_tcp || bound <= 0 || bound >= unsent_bytes_max) return;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof(int));
}

void Link::set_user_timeout(Duration time) {
  const auto ms = static_cast<int>(time.count());
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

std::uint32_t Link::unacknowledged_bytes() const {
  int bytes = 0;
  const bool is_known = ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0;
  return is_known ? static_cast<std::uint32_t>(bytes) : 0;
}

// ---- The end ----

void Link::fail(const Error& error) {
  if (is_terminated_ || has_failed_) return;
  has_failed_ = has_ended_ = true;
  observer_->on_error(kind_of(error.value()));
}

void Link::terminate(TerminateManner manner) {
  if (is_terminated_) return;
  is_terminated_ = true;
  if (manner == TerminateManner::reset) send_reset(socket_.native_handle());
  Error ignored;
  socket_.close(ignored);  // what is pending comes back as operation_aborted
  if (is_resting_) loop_.forget(*this);
  is_resting_ = false;
  if (is_reading_ || is_writing_) return;
  is_finish_pending_ = true;
  loop_.finish(*this);
}

// One of two operations, perhaps.
void Link::on_aborted() {
  if (!is_reading_ && !is_writing_) tell_finished();
}

void Link::tell_finished() {
  is_finish_pending_ = false;
  observer_->on_finished();
}

}  // namespace fairlead
