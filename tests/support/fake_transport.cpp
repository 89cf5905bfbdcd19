#include "tests/support/fake_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/support/failing_allocations.hpp"

namespace fairlead {

// The session's side.
class FakeConnection::End final : public Transport {
 public:
  explicit End(FakeConnection& connection) : connection_(connection) {}
  ~End() override {
    if (!connection_.finished_ && connection_.observer_ != nullptr)
      connection_.break_contract("destroyed before on_finished");
    connection_.destroyed_ = true;
  }

  void start(TransportObserver& observer) override { connection_.start(observer); }
  void send(Bytes bytes) override { connection_.queue(bytes); }
  void flush() override { connection_.flush(); }
  std::size_t offer(std::span<const Bytes> pieces) override { return connection_.offer(pieces); }
  std::size_t offer_file(const FilePart& part) override { return connection_.offer_file(part); }
  bool awaits_room() const noexcept override { return connection_.writing_; }
  bool still_leaves() override { return connection_.conditions.kernel_sends_on; }
  void finish_sending() override { connection_.finish_sending(); }
  void pause() override { connection_.paused_ = true; }
  void resume() override {
    connection_.paused_ = false;
    connection_.reading_ = !connection_.ended_ && !connection_.terminated_;
  }
  void probe() override { connection_.probe(); }
  void terminate(TerminateManner manner) override { connection_.terminate(manner); }
  std::size_t queued_bytes() const noexcept override { return connection_.queue_.size(); }
  std::size_t queued_memory() const noexcept override {
    return (queued_bytes() + 4095) / 4096 * 4096;
  }
  std::uint64_t sent_bytes() const noexcept override { return connection_.sent_bytes_; }
  bool finished_sending() const noexcept override { return connection_.fin_sent_; }

 private:
  FakeConnection& connection_;
};

std::unique_ptr<Transport> FakeConnection::make_transport() { return std::make_unique<End>(*this); }

void FakeConnection::break_contract(std::string_view how) {
  if (breach_.empty()) breach_ = how;
}

void FakeConnection::note(FakeEvent event, Bytes bytes) {
  const AllocationsSucceed always;
  if (on_event) on_event(event, bytes);
}

// ---- The client ----

void FakeConnection::send(Bytes bytes) {
  if (terminated_ || client_ended_) return;
  inbox_ += bytes;
}

void FakeConnection::leave() {
  client_ended_ = true;
  client_left_ = true;
  // Unread bytes at close(2) make it a reset.
  if (!kernel_.empty()) error_ = TransportError::reset;
}

void FakeConnection::take(std::size_t bytes) {
  const std::size_t size = std::min(bytes, kernel_.size());
  received_.append(kernel_, 0, size);
  kernel_.erase(0, size);
}

// ---- The loop ----

bool FakeConnection::has_event() const {
  if (finished_ || observer_ == nullptr) return false;
  if (terminated_) return true;
  if (probing_) return true;
  if (reading_ && (!inbox_.empty() || (client_ended_ && !ended_) || (error_ && !ended_)))
    return true;
  if (writing_) return kernel_.size() < conditions.kernel_bytes_max || (error_ && !ended_);
  return false;
}

void FakeConnection::run_event() {
  if (terminated_) {
    finished_ = true;
    note(FakeEvent::finished);
    return observer_->on_finished();
  }
  if (reading_ || probing_) {
    const bool asked = std::exchange(probing_, false);
    const bool brought = deliver();
    if (!brought && asked && !terminated_) {
      note(FakeEvent::silence);
      observer_->on_silence();
    }
    if (brought || asked) {
      reading_ = !paused_ && !ended_ && !terminated_;
      return;
    }
  }
  if (!writing_) return;
  if (error_) {
    ended_ = true;
    writing_ = false;
    note(FakeEvent::error_delivered);
    return observer_->on_error(*error_);
  }
  const std::uint64_t before = sent_bytes_;
  const bool for_a_file = queue_.empty();
  writing_ = false;
  write();
  if (terminated_ || (!for_a_file && sent_bytes_ == before && !fin_sent_)) return;
  note(FakeEvent::progress);
  observer_->on_progress();
}

// Hands over what there is: bytes first, then the end.
bool FakeConnection::deliver() {
  if (ended_) return false;
  if (error_) {
    ended_ = true;
    inbox_.clear();
    note(FakeEvent::error_delivered);
    observer_->on_error(*error_);
    return true;
  }
  if (!inbox_.empty()) {
    const std::size_t size =
        std::min(inbox_.size(), std::max<std::size_t>(conditions.read_bytes_max, 1));
    const std::string bytes = take_from_inbox(size);
    delivered_bytes_ += size;
    note(FakeEvent::delivered, bytes);
    observer_->on_bytes(bytes);
    return true;
  }
  if (!client_ended_) return false;
  ended_ = true;
  note(FakeEvent::end_delivered);
  observer_->on_end();
  return true;
}

std::string FakeConnection::take_from_inbox(std::size_t size) {
  const AllocationsSucceed always;
  std::string bytes = inbox_.substr(0, size);
  inbox_.erase(0, size);
  return bytes;
}

void FakeConnection::start(TransportObserver& observer) {
  observer_ = &observer;
  reading_ = !conditions.start_fails;
  if (reading_) return;
  ended_ = true;
  note(FakeEvent::error_delivered);
  observer.on_error(TransportError::failed);
}

void FakeConnection::probe() {
  if (terminated_) return;
  if (reading_ && conditions.probe_answers_later) {
    probing_ = true;
    return;
  }
  if (deliver()) return;
  note(FakeEvent::silence);
  observer_->on_silence();
}

// ---- Sending ----

void FakeConnection::queue(Bytes bytes) {
  if (terminated_) return;
  if (fin_sent_) break_contract("sent after its FIN");
  // As ByteQueue does: without memory it holds a part of them.
  queue_ += bytes.substr(0, bytes.size() / 2);
  queue_ += bytes.substr(bytes.size() / 2);
}

std::size_t FakeConnection::offer(std::span<const Bytes> pieces) {
  const AllocationsSucceed always;
  if (terminated_ || writing_ || !queue_.empty()) return 0;
  if (fin_sent_) break_contract("offered after its FIN");
  std::string bytes;
  for (const Bytes piece : pieces) bytes += piece;
  return give_to_kernel(bytes);
}

// sendfile(2): what the file holds by now.
std::size_t FakeConnection::offer_file(const FilePart& part) {
  const AllocationsSucceed always;
  std::string bytes(part.size, '\0');
  const ssize_t got =
      ::pread(part.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(part.offset));
  const Bytes piece = Bytes(bytes).substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  if (terminated_ || writing_ || !queue_.empty()) return 0;
  const std::size_t taken = offer({&piece, 1});
  writing_ = taken < part.size;
  return taken;
}

void FakeConnection::finish_sending() {
  finishing_ = true;
  if (queue_.empty()) writing_ = false;
}

std::size_t FakeConnection::give_to_kernel(Bytes bytes) {
  const std::size_t room =
      conditions.kernel_bytes_max - std::min(kernel_.size(), conditions.kernel_bytes_max);
  const Bytes piece = bytes.substr(0, room);
  if (!piece.empty()) note(FakeEvent::sent, piece);
  (conditions.client_reads ? received_ : kernel_).append(piece);
  sent_bytes_ += piece.size();
  if (client_left_ && !error_) error_ = TransportError::reset;
  return piece.size();
}

void FakeConnection::flush() {
  if (terminated_) break_contract("flushed after terminate");
  if (flushing_) break_contract("flushed within flush");
  if (writing_ || terminated_) return;
  if (!queue_.empty()) ++flushes_;
  flushing_ = true;
  write();
  flushing_ = false;
}

void FakeConnection::write() {
  const AllocationsSucceed always;
  if (!queue_.empty()) {
    queue_.erase(0, give_to_kernel(queue_));
    writing_ = !queue_.empty();
    if (writing_) return;
  }
  if (finishing_ && !fin_sent_) {
    fin_sent_ = true;
    note(FakeEvent::fin);
  }
}

void FakeConnection::terminate(TerminateManner manner) {
  if (terminated_) return;
  terminated_ = true;
  reading_ = writing_ = probing_ = false;
  queue_.clear();
  note(manner == TerminateManner::reset ? FakeEvent::terminated_by_reset
                                        : FakeEvent::terminated_quietly);
  // close(2) with unread input resets, as the kernel does it; what the client has not read yet is
  // lost.
  saw_reset_ = manner == TerminateManner::reset || !inbox_.empty();
  if (saw_reset_) {
    kernel_.clear();
  } else {
    fin_sent_ = true;
  }
}

}  // namespace fairlead
