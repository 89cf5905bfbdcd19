#include "common/io/link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace fairlead {
namespace {

using boost::system::error_code;

// Disconnects that happen every day are told from those that say the network is gone.
TransportError kind_of(const error_code& error) {
  switch (error.value()) {
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

int family_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return AF_INET;
  return address.ss_family;
}

// connect(2): "TCP sockets may dissolve the association by connecting to an address with sa_family
// AF_UNSPEC"; the peer gets an RST. SO_LINGER would do the same by a setting that also changes
// close(2).
void send_reset(int descriptor) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(descriptor, &unspecified, sizeof unspecified));
}

}  // namespace

struct Link::ReadDone {
  using allocator_type = OperationMemory::Allocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(memory); }
  void operator()(const error_code& error, std::size_t size) const { link->on_read(error, size); }

  Link* link;
  std::byte* memory;
};

struct Link::WriteReady {
  Link* link;
  void operator()(const error_code& error) const { link->on_write_ready(error); }
};

Link::Link(LoopCore& loop, int descriptor)
    : Link(loop, LinkSocket(loop.context(),
                            asio::generic::stream_protocol(family_of(descriptor), 0), descriptor)) {
}

Link::Link(LoopCore& loop, LinkSocket socket)
    : loop_(loop), socket_(std::move(socket)), queue_(loop.pool()) {}

Link::~Link() {
  choose_buffer(0);
  // Only a loop that was stopped at once leaves an operation behind.
  if (reading_) loop_.bury(std::move(read_memory_));
}

void Link::start(TransportObserver& observer) {
  observer_ = &observer;
  error_code ignored;
  socket_.non_blocking(true, ignored);
  read_loop();
}

// ---- Reading ----

void Link::read_loop() {
  if (reading_ || paused_ || ended_ || terminated_) return;
  reading_ = true;
  choose_buffer(wants_block_ ? kOwnBytes + 1 : 0);
  const auto buffer = block_ != nullptr ? asio::buffer(block_, kBlockBytes) : asio::buffer(own_);
  socket_.async_read_some(buffer, ReadDone{this, read_memory_.get()});
}

// While one turn brings more than our own buffer holds, the next read gets a block.
void Link::choose_buffer(std::size_t delivered_bytes) {
  const bool wants = delivered_bytes > kOwnBytes;
  if (wants == (block_ != nullptr)) return;
  std::size_t capacity = kBlockBytes;
  if (wants) {
    block_ = loop_.pool().acquire(kBlockBytes, capacity);
  } else {
    loop_.pool().release(std::exchange(block_, nullptr), capacity);
  }
}

void Link::on_read(const error_code& error, std::size_t size) {
  if (terminated_) {
    reading_ = false;
    return finish_when_idle();
  }
  loop_.turn([this, &error, size] {
    if (error == asio::error::operation_aborted) {
      // Cancelled by probe() or release_buffers(): what has come meanwhile is still in the
      // kernel.
      const bool asked = std::exchange(probing_, false);
      if (asked && !read_now() && !terminated_) observer_->on_silence();
      return;
    }
    // A probe that came too late to cancel the read wants what has come behind it, too.
    const bool asked = std::exchange(probing_, false);
    if (error == asio::error::eof) {
      ended_ = true;
      return observer_->on_end();
    }
    if (error) return fail(error);
    const Bytes bytes{block_ != nullptr ? block_ : own_.data(), size};
    deliver(bytes, asked || size == (block_ != nullptr ? kBlockBytes : kOwnBytes));
  });
  resting_ = true;
  loop_.read_again(*this);
}

void Link::read_again() {
  reading_ = resting_ = false;
  if (terminated_) return finish_when_idle();
  read_loop();
}

// A full buffer says that more may wait: it is put behind the first part, so that the session sees
// one delivery.
void Link::deliver(Bytes bytes, bool more_may_wait) {
  if (!more_may_wait) {
    wants_block_ = bytes.size() > kOwnBytes;
    return observer_->on_bytes(bytes);
  }
  wants_block_ = true;
  char* const scratch = loop_.scratch();
  std::copy(bytes.begin(), bytes.end(), scratch);
  error_code error;
  const std::size_t more =
      socket_.read_some(asio::buffer(scratch + bytes.size(), kReadBytesMax - bytes.size()), error);
  observer_->on_bytes({scratch, bytes.size() + more});
  if (terminated_ || !error || error == asio::error::would_block) return;
  if (error != asio::error::eof) return fail(error);
  ended_ = true;
  observer_->on_end();
}

// False: nothing was there. No operation may be pending.
bool Link::read_now() {
  error_code error;
  const std::size_t size = socket_.read_some(asio::buffer(loop_.scratch(), kReadBytesMax), error);
  if (error == asio::error::would_block) return false;
  if (error == asio::error::eof) {
    ended_ = true;
    observer_->on_end();
  } else if (error) {
    fail(error);
  } else {
    observer_->on_bytes({loop_.scratch(), size});
  }
  return true;
}

void Link::resume() {
  paused_ = false;
  read_loop();
}

// A pending read may already have taken bytes that its handler has yet to deliver; only cancelling
// it tells.
void Link::probe() {
  if (terminated_) return;
  if (reading_ && !resting_) {
    probing_ = true;
    error_code ignored;
    socket_.cancel(ignored);
    return;
  }
  if (ended_ || !read_now()) observer_->on_silence();
}

void Link::release_buffers() {
  wants_block_ = false;
  if (terminated_) return;
  if (!reading_) return choose_buffer(0);
  if (block_ == nullptr) return;
  error_code ignored;
  socket_.cancel(ignored);
}

// ---- Writing ----

void Link::send(Bytes bytes) {
  if (!terminated_) queue_.append(bytes);
}

void Link::flush() {
  if (!writing_) write_loop();
}

void Link::finish_sending() { finishing_ = true; }

void Link::write_loop() {
  constexpr std::size_t kPiecesMax = 16;
  while (!queue_.empty()) {
    std::array<Bytes, kPiecesMax> pieces;
    std::array<asio::const_buffer, kPiecesMax> buffers;
    const std::size_t count = queue_.front(pieces);
    std::transform(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count),
                   buffers.begin(), [](Bytes piece) { return asio::buffer(piece); });
    error_code error;
    const std::size_t size = count == 1 ? socket_.write_some(buffers.front(), error)
                                        : socket_.write_some(buffers, error);
    if (error == asio::error::would_block) {
      writing_ = true;
      return socket_.async_wait(LinkSocket::wait_write, WriteReady{this});
    }
    if (error) return fail(error);
    sent_bytes_ += size;
    queue_.consume(size);
  }
  if (finishing_ && !finished_sending_) {
    error_code ignored;
    socket_.shutdown(LinkSocket::shutdown_send, ignored);
    finished_sending_ = true;
  }
}

void Link::on_write_ready(const error_code& error) {
  writing_ = false;
  if (terminated_) return finish_when_idle();
  if (error == asio::error::operation_aborted) {  // probe() cancels both directions
    writing_ = true;
    return socket_.async_wait(LinkSocket::wait_write, WriteReady{this});
  }
  loop_.turn([this] {
    const std::uint64_t before = sent_bytes_;
    write_loop();
    if (!terminated_ && (sent_bytes_ != before || finished_sending_)) observer_->on_progress();
  });
}

// ---- The end ----

void Link::fail(const error_code& error) {
  if (terminated_) return;
  ended_ = true;
  observer_->on_error(kind_of(error));
}

void Link::terminate(TerminateManner manner) {
  if (terminated_) return;
  terminated_ = true;
  queue_.clear();
  if (manner == TerminateManner::reset) send_reset(socket_.native_handle());
  error_code ignored;
  socket_.close(ignored);
  if (reading_ || writing_) return;
  finish_posted_ = true;
  asio::post(loop_.context(), [this] {
    finish_posted_ = false;
    finish_when_idle();
  });
}

void Link::finish_when_idle() {
  if (reading_ || writing_ || finish_posted_) return;
  loop_.turn([this] { observer_->on_finished(); });
  // *this is gone.
}

}  // namespace fairlead
