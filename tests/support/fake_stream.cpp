#include "tests/support/fake_stream.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/support/failing_allocations.hpp"

namespace fairlead {

// The side of the user of the stream.
class FakeConnection::End final : public ByteStream {
 public:
  explicit End(FakeConnection& connection) : connection_(connection) {}
  ~End() override {
    if (!connection_.finished_ && connection_.observer_ != nullptr)
      connection_.break_contract("destroyed before on_finished");
    connection_.destroyed_ = true;
  }

  void start(StreamObserver& observer) override { connection_.start(observer); }
  std::size_t write_some(std::span<const Bytes> pieces) override {
    return connection_.write_some(pieces);
  }
  std::optional<std::size_t> write_file(const FilePart& part) override {
    return connection_.write_file(part);
  }
  void write_later(std::span<const Bytes> pieces) override { connection_.write_later(pieces); }
  void shut_down() override { connection_.shut_down(); }
  void pause() override { connection_.paused_ = true; }
  void resume() override {
    connection_.paused_ = connection_.halting_ = false;
    connection_.reading_ = !connection_.ended_ && !connection_.terminated_;
  }
  void probe() override { connection_.probe(); }
  int descriptor() const override {
    const bool has_ended = connection_.terminated_ || connection_.ended_by_error_;
    return has_ended ? -1 : connection_.conditions.descriptor;
  }
  void halt() override { connection_.halt(); }
  void terminate(TerminateManner manner) override { connection_.terminate(manner); }
  void set_user_timeout(Duration time) override { connection_.user_timeout_ = time; }
  std::uint32_t unacknowledged_bytes() const override {
    return static_cast<std::uint32_t>(connection_.kernel_.size());
  }

 private:
  FakeConnection& connection_;
};

std::unique_ptr<ByteStream> FakeConnection::make_stream() {
  if (std::exchange(left_, false)) {
    if (!destroyed_) break_contract("two streams at a time");
    observer_ = nullptr;
    ended_ = paused_ = terminated_ = finished_ = destroyed_ = false;
  }
  return std::make_unique<End>(*this);
}

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
  if (!kernel_.empty()) error_ = StreamError::reset;
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
  if (probing_ || halting_) return true;
  // The end waits until it is read again, as the kernel keeps it.
  const bool end_waits = client_ended_ && !ended_ && !paused_;
  if (reading_ && (!inbox_.empty() || end_waits || (error_ && !ended_))) return true;
  const bool write_fails = write_error_ || (error_ && !ended_);
  return writing_ && (write_fails || room() >= conditions.room_bytes_min);
}

void FakeConnection::run_event() {
  if (terminated_) {
    finished_ = true;
    note(FakeEvent::finished);
    return observer_->on_finished();
  }
  if (halting_) return run_halt();
  if (writing_ && write_error_) return report_write_error();
  if (reading_ || probing_) {
    const bool asked = std::exchange(probing_, false);
    const bool brought = deliver(asked || !paused_);
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
    ended_ = ended_by_error_ = true;
    writing_ = false;
    note(FakeEvent::error_delivered);
    return observer_->on_error(*error_);
  }
  writing_ = false;
  const std::size_t size = give_to_kernel(std::exchange(later_, {}));
  later_bytes_ = 0;
  note(FakeEvent::written);
  observer_->on_written(size);
}

// Hands over what there is: bytes first, then the end. `wanted`: it was asked for; else only the
// read that was pending brings its few bytes.
bool FakeConnection::deliver(bool wanted) {
  // The kernel keeps what had come before a write failed.
  const bool has_rest = ended_by_error_ && wanted && !inbox_.empty();
  if (ended_ && !has_rest) return false;
  if (error_ && !ended_) {
    ended_ = ended_by_error_ = true;
    inbox_.clear();
    note(FakeEvent::error_delivered);
    observer_->on_error(*error_);
    return true;
  }
  if (!inbox_.empty()) {
    constexpr std::size_t kPendingReadBytes = 78;
    const std::size_t size =
        std::min({inbox_.size(), std::max<std::size_t>(conditions.read_bytes_max, 1),
                  wanted ? SIZE_MAX : kPendingReadBytes});
    const std::string bytes = take_from_inbox(size);
    delivered_bytes_ += size;
    note(FakeEvent::delivered, bytes);
    observer_->on_bytes(bytes);
    return true;
  }
  if (!client_ended_ || !wanted) return false;
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

void FakeConnection::start(StreamObserver& observer) {
  observer_ = &observer;
  reading_ = !conditions.start_fails;
  if (reading_) return;
  ended_ = ended_by_error_ = true;
  note(FakeEvent::error_delivered);
  observer.on_error(StreamError::failed);
}

void FakeConnection::probe() {
  if (terminated_) return;
  if (reading_ && conditions.probe_answers_later) {
    probing_ = true;
    return;
  }
  if (deliver(true)) return;
  note(FakeEvent::silence);
  observer_->on_silence();
}

// ---- Halting ----

void FakeConnection::halt() {
  if (terminated_ || ended_by_error_) return;
  paused_ = halting_ = true;
  if (!reading_ && !writing_) run_halt();
}

// One event at a time, as the operations that are taken back come one by one.
void FakeConnection::run_halt() {
  if (error_ && !ended_ && (reading_ || writing_)) {
    halting_ = false;
    deliver(false);
    return;
  }
  if (std::exchange(reading_, false) && conditions.halt_finds_bytes && deliver(false)) return;
  if (std::exchange(writing_, false)) {
    std::vector<Bytes> pieces = std::exchange(later_, {});
    later_bytes_ = 0;
    if (!conditions.halt_finds_bytes) pieces.clear();
    const std::size_t size = give_to_kernel(pieces);
    note(FakeEvent::written);
    return observer_->on_written(size);
  }
  halting_ = false;
  observer_->on_halted();
}

// ---- Writing ----

std::size_t FakeConnection::write_some(std::span<const Bytes> pieces) {
  const AllocationsSucceed always;
  if (terminated_) break_contract("written after terminate");
  if (fin_sent_) break_contract("written after its FIN");
  if (terminated_ || ended_by_error_ || writing_) return 0;
  ++writes_;
  if (!write_error_) return give_to_kernel(pieces);
  report_write_error();
  return 0;
}

void FakeConnection::report_write_error() {
  ended_ = ended_by_error_ = true;
  reading_ = writing_ = false;
  note(FakeEvent::error_delivered);
  observer_->on_error(*write_error_);
}

// sendfile(2): what the file holds by now.
std::size_t FakeConnection::write_file(const FilePart& part) {
  const AllocationsSucceed always;
  std::string bytes(part.size, '\0');
  const ssize_t got =
      ::pread(part.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(part.offset));
  const Bytes piece = Bytes(bytes).substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  return write_some({&piece, 1});
}

void FakeConnection::write_later(std::span<const Bytes> pieces) {
  const AllocationsSucceed always;
  if (terminated_ || ended_by_error_) return;
  if (writing_) break_contract("two writes at a time");
  if (fin_sent_) break_contract("written after its FIN");
  writing_ = true;
  later_.assign(pieces.begin(), pieces.end());
  for (const Bytes piece : pieces) later_bytes_ += piece.size();
}

void FakeConnection::shut_down() {
  if (terminated_) return;
  if (later_bytes_ > 0) break_contract("its FIN before what is being written");
  if (std::exchange(fin_sent_, true)) break_contract("two FINs");
  writing_ = false;
  note(FakeEvent::fin);
}

std::size_t FakeConnection::room() const {
  return conditions.kernel_bytes_max - std::min(kernel_.size(), conditions.kernel_bytes_max);
}

std::size_t FakeConnection::give_to_kernel(std::span<const Bytes> pieces) {
  const AllocationsSucceed always;
  std::string taken;
  for (const Bytes piece : pieces) taken += piece.substr(0, room() - taken.size());
  if (!taken.empty()) note(FakeEvent::sent, taken);
  (conditions.client_reads ? received_ : kernel_) += taken;
  sent_bytes_ += taken.size();
  if (client_left_ && !pieces.empty() && !error_) error_ = StreamError::reset;
  return taken.size();
}

void FakeConnection::terminate(TerminateManner manner) {
  if (terminated_) return;
  terminated_ = true;
  if (manner == TerminateManner::leave) {
    if (reading_ || writing_ || halting_) break_contract("left while something was pending");
    left_ = true;
    return note(FakeEvent::left);
  }
  reading_ = writing_ = probing_ = halting_ = false;
  later_.clear();
  later_bytes_ = 0;
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
