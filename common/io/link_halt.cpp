// A link whose connection goes to another process (docs/decisions/0016).
// close(2) leaves a socket in the epoll set as long as another process has it, too; Asio takes out
// those that it did not open itself, as tests/integration proves.
#include "common/io/link.hpp"

namespace fairlead {

int Link::descriptor() const {
  return socket_.is_open() && !has_failed_ && !is_terminated_ ? socket_.native_handle() : -1;
}

void Link::halt() {
  if (is_terminated_ || has_failed_) return;
  is_paused_ = is_halting_ = true;
  Error ignored;
  if (is_reading_ || is_writing_) socket_.cancel(ignored);
  check_halted();
}

void Link::check_halted() {
  if (!is_halting_ || is_reading_ || is_writing_ || has_failed_ || is_terminated_) return;
  is_halting_ = false;
  observer_->on_halted();
}

}  // namespace fairlead
