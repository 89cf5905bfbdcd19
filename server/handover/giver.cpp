#include "server/handover/giver.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

// With a length that is damaged, a whole answer looks like a part of one.
std::size_t answer_bytes(std::size_t sessions) {
  return bytes_of(make_answer({0, std::vector<HandoverRefusal>(sessions)})).size();
}

}  // namespace

void Giver::begin(Gives gives) {
  gives_sessions_ = gives == Gives::sessions;
  shell_.set_deadline();
  static_cast<void>(shell_.send(bytes_of(make_hello({})), {}));
}

// ---- The new daemon

void Giver::on_bytes(Bytes bytes) {
  if (is_over()) return;
  reader_.feed(bytes);
  while (!is_over()) {
    const auto message = reader_.next();
    if (!message) break;
    take(*message);
  }
  if (!is_over() && reader_.is_damaged()) fail("it has sent what cannot be read");
}

void Giver::take(const HandoverMessage& message) {
  if (message.kind == HandoverKind::ready && phase_ == Phase::starting)
    return on_ready(message.fields);
  if (message.kind == HandoverKind::answer && phase_ == Phase::giving)
    return on_answer(message.fields);
  const bool has_begun = phase_ == Phase::collecting || phase_ == Phase::giving;
  if (message.kind == HandoverKind::refuse_all && has_begun) return on_refuse_all(message.fields);
  fail("it has sent a message that nobody had asked for");
}

void Giver::on_ready(Bytes fields) {
  const auto version = read_ready(fields);
  if (!version || *version > kHandoverVersion) return fail("its READY is not understood");
  gives_sessions_ &= *version != 0;
  phase_ = Phase::pausing;
  has_paused_ = true;
  shell_.set_deadline();
  shell_.pause_listeners();
}

void Giver::on_paused(const GlobalState& global, const std::vector<int>& older) {
  if (phase_ != Phase::pausing) return;
  const auto descriptors = static_cast<std::uint16_t>(older.size());
  if (shell_.send(bytes_of(make_go(global, descriptors)), older) == GiverShell::Sent::too_many)
    return fail("the kernel passes no descriptors to it at present");
  if (!gives_sessions_) return complete();
  collect_more();
}

void Giver::on_answer(Bytes fields) {
  const auto answer = read_answer(fields);
  if (!answer || !settle_by(*answer)) {
    settle_open(Departed::Fate::taken);
    return fail("its ANSWER is not understood");
  }
  collect_more();
}

// The stream has become unreadable to it: it accepts, and the sessions stay.
void Giver::on_refuse_all(Bytes fields) {
  const auto why = read_refuse_all(fields);
  if (!why) return fail("its REFUSE_ALL is not understood");
  settle_open(Departed::Fate::refused);
  complete();
}

// ---- Sessions

void Giver::collect_more() {
  phase_ = Phase::collecting;
  shell_.set_deadline();
  shell_.collect(sessions_max_);
}

void Giver::on_collected(std::vector<Departing> sessions) {
  batch_ = std::move(sessions);
  if (phase_ != Phase::collecting) return settle_open(Departed::Fate::returned);
  if (batch_.empty()) return complete();
  std::vector<Bytes> records;
  std::vector<int> descriptors;
  for (const Departing& session : batch_) {
    records.push_back(session.record);
    descriptors.push_back(session.descriptor);
  }
  phase_ = Phase::giving;
  shell_.set_deadline();
  if (shell_.send(bytes_of(make_batch(++number_, records)), descriptors) == GiverShell::Sent::yes)
    return;
  const bool was_least = batch_.size() == 1;
  sessions_max_ = std::max<std::size_t>(batch_.size() / 2, 1);
  settle_open(Departed::Fate::returned);
  was_least ? complete() : collect_more();
}

// False: it is no answer to the open batch.
bool Giver::settle_by(const HandoverAnswer& answer) {
  if (answer.number != number_ || answer.verdicts.size() != batch_.size()) return false;
  std::vector<Departed> settled;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const bool is_taken = answer.verdicts[i] == HandoverRefusal::none;
    settled.push_back({batch_[i].id, is_taken ? Departed::Fate::taken : Departed::Fate::refused});
    const auto number = static_cast<std::size_t>(answer.verdicts[i]);
    // A later version's reason counts as one that is not understood.
    ++counts_[number < counts_.size() ? number
                                      : static_cast<std::size_t>(HandoverRefusal::not_understood)];
  }
  batch_.clear();
  shell_.settle(settled);
  return true;
}

void Giver::settle_open(Departed::Fate fate) {
  if (batch_.empty()) return;
  std::vector<Departed> settled;
  for (const Departing& session : batch_) settled.push_back({session.id, fate});
  batch_.clear();
  shell_.settle(settled);
}

// ---- The end

void Giver::complete() {
  phase_ = Phase::over;
  shell_.on_given();
  static_cast<void>(shell_.send(bytes_of({.kind = HandoverKind::done, .fields = {}}), {}));
}

void Giver::on_deadline() {
  fail(phase_ == Phase::starting ? "it did not become ready within timeouts.upgrade"
                                 : "it did not answer within timeouts.upgrade");
}

void Giver::abandon(const std::string& why) { fail(why); }

// An answer that had been sent before counts; what it does not name was never the other's. One that
// cannot be read may name anything: those sessions end with the other.
void Giver::fail(const std::string& why) {
  if (is_over()) return;
  phase_ = Phase::over;
  reader_.feed(shell_.stop_listening_to_taker());
  while (!batch_.empty()) {
    const auto message = reader_.next();
    if (!message) break;
    if (message->kind != HandoverKind::answer) continue;
    const auto answer = read_answer(message->fields);
    if (!answer || !settle_by(*answer)) settle_open(Departed::Fate::taken);
  }
  if (reader_.is_damaged() || reader_.waiting_bytes() >= answer_bytes(batch_.size()))
    settle_open(Departed::Fate::taken);
  shell_.kill_taker();
  settle_open(Departed::Fate::returned);
  if (has_paused_) shell_.resume_listeners();
  shell_.on_failed(why);
}

}  // namespace fairlead
