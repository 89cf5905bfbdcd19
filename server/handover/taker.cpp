#include "server/handover/taker.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

void Taker::on_bytes(Bytes bytes, const std::vector<int>& descriptors) {
  descriptors_.insert(descriptors_.end(), descriptors.begin(), descriptors.end());
  if (is_reading() || phase_ == Phase::answering) reader_.feed(bytes);
  read();
}

// What follows an answer is looked at behind on_sent(), however quick the old daemon is.
void Taker::read() {
  while (is_reading()) {
    const auto message = reader_.next();
    if (!message) break;
    take(*message);
  }
  if (is_reading() && reader_.is_damaged()) on_damage();
  if (is_over() || phase_ == Phase::refusing) drop_waiting();
}

void Taker::take(const HandoverMessage& message) {
  if (message.kind == HandoverKind::hello && phase_ == Phase::greeting)
    return on_hello(message.fields);
  if (message.kind == HandoverKind::go && phase_ == Phase::ready) return on_go(message);
  if (message.kind == HandoverKind::batch && phase_ == Phase::taking) return on_batch(message);
  if (message.kind == HandoverKind::done && phase_ == Phase::taking) {
    phase_ = Phase::over;
    return shell_.on_taken();
  }
  on_damage();
}

void Taker::on_hello(Bytes fields) {
  const auto versions = read_hello(fields);
  if (!versions) return on_damage();
  const bool has_common =
      versions->oldest <= kHandoverVersion && kHandoverVersion <= versions->newest;
  phase_ = Phase::ready;
  shell_.send(bytes_of(make_ready(has_common ? kHandoverVersion : std::uint16_t{0})));
}

void Taker::on_go(const HandoverMessage& message) {
  const auto global = read_global(message.fields);
  if (!global) return on_damage();
  phase_ = Phase::taking;
  shell_.start_accepting(&*global, take_descriptors(message.descriptors));
}

// Descriptors that are missing are those of the last sessions: the kernel gives as many as there is
// room for, in their order.
void Taker::on_batch(const HandoverMessage& message) {
  const auto batch = read_batch(message.fields);
  if (!batch || message.descriptors != batch->records.size()) return on_damage();
  const std::vector<int> descriptors = take_descriptors(message.descriptors);
  HandoverAnswer answer{batch->number, {}};
  for (std::size_t i = 0; i < batch->records.size(); ++i) {
    const bool has_descriptor = i < descriptors.size();
    auto session = read_session(batch->records[i]);
    HandoverRefusal verdict = HandoverRefusal::not_understood;
    if (session) verdict = has_descriptor ? shell_.judge(*session) : HandoverRefusal::no_descriptor;
    answer.verdicts.push_back(verdict);
    if (verdict == HandoverRefusal::none) {
      accepted_.emplace_back(std::move(*session), descriptors[i]);
    } else if (has_descriptor) {
      shell_.drop(descriptors[i]);
    }
  }
  phase_ = Phase::answering;
  shell_.send(bytes_of(make_answer(answer)));
}

void Taker::on_sent() {
  if (phase_ != Phase::answering) return;
  phase_ = Phase::taking;
  for (auto& [session, descriptor] : std::exchange(accepted_, {}))
    shell_.adopt(std::move(session), descriptor);
  read();
}

std::vector<int> Taker::take_descriptors(std::size_t count) {
  const auto end =
      descriptors_.begin() + static_cast<std::ptrdiff_t>(std::min(count, descriptors_.size()));
  std::vector<int> taken(descriptors_.begin(), end);
  descriptors_.erase(descriptors_.begin(), end);
  return taken;
}

// ---- The end

void Taker::drop_waiting() {
  for (const int descriptor : std::exchange(descriptors_, {})) shell_.drop(descriptor);
}

void Taker::on_damage() {
  if (!has_begun()) return fail("the old daemon has said what cannot be read");
  phase_ = Phase::refusing;
  shell_.send(bytes_of(make_refuse_all(HandoverRefusal::damaged)));
  shell_.on_taken();
}

// What was accepted by an answer that has not been sent is the old daemon's.
void Taker::on_end() {
  if (is_over()) return;
  const bool had_begun = has_begun();
  const bool was_refusing = std::exchange(phase_, Phase::over) == Phase::refusing;
  for (const auto& [session, descriptor] : std::exchange(accepted_, {})) shell_.drop(descriptor);
  drop_waiting();
  if (!had_begun) shell_.start_accepting(nullptr, {});
  if (!was_refusing) shell_.on_taken();
}

void Taker::on_deadline() {
  if (!is_over() && !has_begun()) fail("the old daemon has said nothing within timeouts.upgrade");
}

void Taker::fail(const std::string& why) {
  phase_ = Phase::over;
  drop_waiting();
  shell_.give_up(why);
}

}  // namespace fairlead
