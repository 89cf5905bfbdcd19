// The stream of an upgrade. The first byte chooses: a record of a session, of the daemon, fields
// of a message, or what one of the two daemons reads while the other says anything at all.
#include <algorithm>
#include <set>
#include <string>

#include "common/base/check.hpp"
#include "server/handover/fields.hpp"
#include "server/handover/giver.hpp"
#include "server/handover/taker.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace fairlead {
namespace {

// What is read is within its bounds, and written again it reads the same.
void check_session(Bytes fields) {
  const auto session = read_session(fields);
  if (!session) return;
  FAIRLEAD_CHECK(session->input.size() + session->output.size() <= kCarriedBytesMax);
  FAIRLEAD_CHECK(session->channels.size() <= kChannelsMax + 1);
  std::string again;
  append_fields(again, *session);
  FAIRLEAD_CHECK(read_session(again) == session);
}

void check_global(Bytes fields) {
  const auto global = read_global(fields);
  if (!global) return;
  std::string again;
  append_fields(again, *global);
  FAIRLEAD_CHECK(read_global(again) == global);
}

void check_messages(Bytes fields) {
  if (const auto versions = read_hello(fields))
    FAIRLEAD_CHECK(read_hello(make_hello(*versions).fields));
  if (const auto version = read_ready(fields))
    FAIRLEAD_CHECK(read_ready(make_ready(*version).fields) == version);
  if (const auto answer = read_answer(fields))
    FAIRLEAD_CHECK(read_answer(make_answer(*answer).fields)->verdicts == answer->verdicts);
  if (const auto batch = read_batch(fields))
    for (const Bytes record : batch->records) check_session(record);
  static_cast<void>(read_refuse_all(fields));
}

// Each descriptor is closed or adopted once, and adopted only behind an answer that was sent.
class AnyTaker final : public TakerShell {
 public:
  void play(FuzzInput input) {
    int descriptor = 0;
    while (!input.empty()) {
      const std::uint8_t choice = input.byte();
      if ((choice & 0x80) != 0) return end();
      std::vector<int> with;
      for (int i = 0; i < choice % 4; ++i) open_.insert(with.emplace_back(++descriptor));
      if ((choice & 0x10) != 0) tell_sent();
      // Framed as messages, or as they are.
      const Bytes bytes = input.bytes(input.byte());
      if ((choice & 0x40) != 0) {
        taker_.on_bytes(bytes, with);
      } else {
        taker_.on_bytes(bytes_of({.kind = static_cast<HandoverKind>(choice >> 2 & 7),
                                  .descriptors = static_cast<std::uint16_t>(with.size()),
                                  .fields = std::string(bytes)}),
                        with);
      }
    }
    end();
  }

 private:
  void end() {
    taker_.on_end();
    FAIRLEAD_CHECK(taker_.is_over());
    FAIRLEAD_CHECK(open_.empty());
  }
  void tell_sent() {
    if (sending_ == 0) return;
    --sending_;
    taker_.on_sent();
  }
  void close(int descriptor) { FAIRLEAD_CHECK(open_.erase(descriptor) == 1); }

  void send(std::string message) override {
    ++sending_;
    HandoverReader reader;
    reader.feed(message);
    FAIRLEAD_CHECK(reader.next() && reader.waiting_bytes() == 0);
  }
  void start_accepting(const GlobalState*, const std::vector<int>& older) override {
    FAIRLEAD_CHECK(!std::exchange(accepts_, true));
    for (const int descriptor : older) close(descriptor);
  }
  HandoverRefusal judge(const SessionState& session) override {
    return static_cast<HandoverRefusal>(session.id % kHandoverRefusalCount);
  }
  void adopt(SessionState session, int descriptor) override {
    FAIRLEAD_CHECK(session.id % kHandoverRefusalCount == 0);
    close(descriptor);
  }
  void drop(int descriptor) override { close(descriptor); }
  void on_taken() override { FAIRLEAD_CHECK(!std::exchange(ended_, true)); }
  void give_up(const std::string&) override { FAIRLEAD_CHECK(!std::exchange(ended_, true)); }

  std::set<int> open_;
  int sending_ = 0;
  bool accepts_ = false, ended_ = false;
  Taker taker_{*this};
};

// Each session is settled once, whatever the new daemon says.
class AnyGiver final : public GiverShell {
 public:
  void play(FuzzInput input) {
    giver_.begin(Giver::Gives::sessions);
    while (!input.empty()) {
      const std::uint8_t choice = input.byte();
      if ((choice & 0x80) != 0 && collecting_) deliver(input.below(5));
      if ((choice & 0x40) != 0 && std::exchange(pausing_, false))
        giver_.on_paused({.last_id = 1, .configuration = {}}, {});
      if ((choice & 0x38) == 0x38) giver_.on_deadline();
      const Bytes bytes = input.bytes(input.byte());
      left_ = (choice & 0x20) != 0 ? std::string(bytes) : std::string();
      const auto kind = static_cast<HandoverKind>(choice & 7);
      giver_.on_bytes((choice & 0x10) != 0
                          ? std::string(bytes)
                          : bytes_of({.kind = kind, .fields = std::string(bytes)}));
    }
    giver_.abandon("the end");
    if (collecting_) deliver(2);
    FAIRLEAD_CHECK(giver_.is_over() && halted_.empty());
  }

 private:
  void deliver(std::uint8_t count) {
    collecting_ = false;
    std::vector<Departing> sessions;
    for (std::uint8_t i = 0; i < std::min<std::size_t>(count, max_); ++i) {
      halted_.insert(++last_);
      sessions.push_back({last_, static_cast<int>(last_), "r"});
    }
    giver_.on_collected(std::move(sessions));
  }

  Sent send(std::string, const std::vector<int>& descriptors) override {
    return descriptors.size() > 3 ? Sent::too_many : Sent::yes;
  }
  void pause_listeners() override { pausing_ = true; }
  void resume_listeners() override { FAIRLEAD_CHECK(!ended_); }
  void collect(std::size_t sessions_max) override {
    max_ = sessions_max;
    FAIRLEAD_CHECK(!std::exchange(collecting_, true));
  }
  void settle(const std::vector<Departed>& settled) override {
    for (const Departed& session : settled) FAIRLEAD_CHECK(halted_.erase(session.id) == 1);
  }
  std::string stop_listening_to_taker() override { return left_; }
  void kill_taker() override { FAIRLEAD_CHECK(!ended_); }
  void set_deadline() override {}
  void on_given() override { FAIRLEAD_CHECK(!std::exchange(ended_, true)); }
  void on_failed(const std::string&) override { FAIRLEAD_CHECK(!std::exchange(ended_, true)); }

  std::set<std::uint64_t> halted_;
  std::uint64_t last_ = 0;
  std::size_t max_ = 0;
  bool pausing_ = false, collecting_ = false, ended_ = false;
  std::string left_;
  Giver giver_{*this};
};

void check(FuzzInput input) {
  switch (input.below(5)) {
    case 0:
      return check_session(input.rest());
    case 1:
      return check_global(input.rest());
    case 2:
      return check_messages(input.rest());
    case 3:
      return AnyTaker().play(input);
    default:
      return AnyGiver().play(input);
  }
}

}  // namespace
}  // namespace fairlead

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fairlead::check(fairlead::FuzzInput(data, size));
  return 0;
}
