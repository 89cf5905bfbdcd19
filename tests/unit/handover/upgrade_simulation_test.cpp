// Both machines over a model of the kernel, by seeds: either side is killed, hangs, is told to stop
// or runs out of descriptors, at any step of the hand-over. Whatever happens, no session is served
// by both, none hangs, and what was acknowledged lives on.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "server/handover/giver.hpp"
#include "server/handover/taker.hpp"
#include "tests/unit/handover/samples.hpp"

namespace fairlead {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

// One direction of a socket pair. Descriptors travel with a byte.
struct Pipe {
  struct Passed {
    std::size_t at;  // of the bytes that ever went in
    std::vector<int> descriptors;
  };
  std::string bytes;
  std::deque<Passed> passed;
  std::size_t in = 0, out = 0;
  bool is_read = true;  // false: what is sent now is refused (EPIPE)
  bool is_open = true;  // for more to come
  bool end_seen = false;
};

// What a process has given to its socket and the kernel has not taken yet.
struct Outgoing {
  std::string bytes;
  std::vector<int> descriptors;
  bool is_begun = false;
  std::string whole;  // of the new daemon's
};

// A session, as the world sees it. Its descriptor is its number.
struct Session {
  enum class At : std::uint8_t { old_serves, old_halts, old_has_left, ended };
  At at = At::old_serves;
  bool is_busy = false;  // a request is being executed
  bool stays = false;    // was refused
  bool new_has = false;  // its descriptor
  bool new_serves = false;
  bool is_acknowledged = false;                     // the kernel has the whole answer that takes it
  HandoverRefusal verdict = HandoverRefusal::none;  // of the new daemon's judgement
};

class World final : public GiverShell, public TakerShell {
 public:
  explicit World(std::uint64_t seed) : random_(seed), giver_(*this), taker_(*this) {
    const std::size_t count = below(random_, 40);
    for (std::size_t i = 1; i <= count; ++i) {
      Session& session = sessions_[static_cast<int>(i)];
      session.is_busy = below(random_, 5) == 0;
      if (below(random_, 6) == 0) session.verdict = HandoverRefusal::no_listener;
    }
    batch_max_ = 1 + below(random_, 12);
    in_flight_max_ = below(random_, 3) == 0 ? 1 + below(random_, 8) : SIZE_MAX;
    room_ = below(random_, 3) == 0 ? 1 + below(random_, 20) : SIZE_MAX;
    // Half of the runs are left alone.
    if (below(random_, 2) == 0) accident_in_ = static_cast<int>(below(random_, 120));
  }

  void run() {
    giver_.begin(Giver::Gives::sessions);
    for (int steps = 0; steps < 100'000; ++steps) {
      if (accident_in_-- == 0) have_accident();
      if (!step()) break;
      check();
    }
    check_end();
  }

  bool was_given() const { return was_given_; }
  bool has_failed() const { return !failed_.empty(); }
  bool had_accident() const { return had_accident_; }
  std::size_t moved() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const auto& each) { return each.second.new_serves; }));
  }

 private:
  // ---- The old daemon's shell

  Sent send(std::string message, const std::vector<int>& descriptors) override {
    EXPECT_TRUE(old_lives_);
    if (descriptors.size() > in_flight_max_) return Sent::too_many;
    old_out_.push_back({std::move(message), descriptors, false, {}});
    return Sent::yes;
  }
  void pause_listeners() override {
    old_accepts_ = false;
    pause_due_ = true;
  }
  void resume_listeners() override {
    EXPECT_FALSE(was_given_);
    old_accepts_ = true;
  }
  void collect(std::size_t sessions_max) override {
    EXPECT_FALSE(collect_due_);
    collect_due_ = true;
    collect_max_ = std::min(sessions_max, batch_max_);
    EXPECT_GE(collect_max_, 1U);
  }
  void settle(const std::vector<Departed>& settled) override {
    for (const Departed& departed : settled) {
      Session& session = sessions_.at(static_cast<int>(departed.id));
      EXPECT_EQ(session.at, Session::At::old_halts) << "settled once";
      if (departed.fate == Departed::Fate::taken) {
        EXPECT_TRUE(session.is_acknowledged || is_answer_damaged_) << departed.id << " is lost";
        session.at = Session::At::old_has_left;
        ++handed_over_;
      } else {
        session.at = Session::At::old_serves;
        session.stays = departed.fate == Departed::Fate::refused;
      }
    }
  }
  std::string stop_listening_to_taker() override {
    to_old_.is_read = false;
    return std::exchange(to_old_.bytes, {});
  }
  void kill_taker() override { is_new_killed_ = true; }
  void set_deadline() override {}
  void on_given() override {
    EXPECT_FALSE(was_given_ || has_failed());
    was_given_ = true;
  }
  void on_failed(const std::string& why) override {
    EXPECT_FALSE(was_given_ || has_failed());
    failed_ = why;
  }

  // ---- The new daemon's shell

  void send(std::string message) override {
    EXPECT_TRUE(new_lives_);
    new_out_.push_back({message, {}, false, message});
  }
  void start_accepting(const GlobalState* global, const std::vector<int>&) override {
    EXPECT_FALSE(new_accepts_);
    EXPECT_FALSE(old_lives_ && old_accepts_ && !is_new_killed_) << "two would give the same ids";
    if (global != nullptr) {
      EXPECT_EQ(global->last_id, 99U);
    }
    new_accepts_ = true;
  }
  HandoverRefusal judge(const SessionState& session) override {
    return sessions_.at(static_cast<int>(session.id)).verdict;
  }
  void adopt(SessionState state, int descriptor) override {
    EXPECT_EQ(state.id, static_cast<std::uint64_t>(descriptor)) << "a session and another's socket";
    Session& session = sessions_.at(descriptor);
    EXPECT_TRUE(session.new_has);
    EXPECT_FALSE(session.new_serves);
    session.new_serves = true;
    ++taken_over_;
  }
  void drop(int descriptor) override {
    Session& session = sessions_.at(descriptor);
    EXPECT_TRUE(session.new_has);
    EXPECT_FALSE(session.new_serves);
    session.new_has = false;
  }
  void on_taken() override { ++ends_of_taker_; }
  void give_up(const std::string&) override { kill_new(); }

  // ---- The kernel, and whatever comes next

  // False: nothing is left to happen.
  bool step() {
    std::vector<void (World::*)()> next;
    if (old_lives_ && !old_out_.empty()) next.push_back(&World::old_sends);
    if (new_lives_ && !new_out_.empty()) next.push_back(&World::new_sends);
    if (new_lives_ && is_new_killed_) next.push_back(&World::kill_new);
    if (new_lives_ && sent_due_ > 0) next.push_back(&World::tell_sent);
    if (new_lives_ && (!to_new_.bytes.empty() || (!to_new_.is_open && !to_new_.end_seen)))
      next.push_back(&World::new_reads);
    if (old_lives_ && to_old_.is_read &&
        (!to_old_.bytes.empty() || (!to_old_.is_open && !to_old_.end_seen)))
      next.push_back(&World::old_reads);
    if (old_lives_ && pause_due_) next.push_back(&World::old_pauses);
    if (old_lives_ && collect_due_) next.push_back(&World::old_collects);
    if (next.empty()) return hang_ends();
    (this->*next[below(random_, next.size())])();
    return true;
  }

  // A side that says nothing any more is found out by the other's deadline.
  bool hang_ends() {
    if (!old_lives_ || giver_.is_over()) return false;
    giver_.on_deadline();
    return true;
  }

  void old_sends() {
    Outgoing& message = old_out_.front();
    if (!new_lives_) {  // EPIPE
      old_out_.clear();
      return giver_.abandon("the channel has ended");
    }
    if (!std::exchange(message.is_begun, true) && !message.descriptors.empty())
      to_new_.passed.push_back({to_new_.in, message.descriptors});
    const std::size_t size = 1 + below(random_, message.bytes.size());
    to_new_.bytes.append(message.bytes, 0, size);
    to_new_.in += size;
    message.bytes.erase(0, size);
    if (message.bytes.empty()) old_out_.pop_front();
  }

  void new_sends() {
    Outgoing& message = new_out_.front();
    if (!to_old_.is_read) {  // EPIPE
      new_out_.clear();
      return end_of_old();
    }
    const std::size_t size = 1 + below(random_, message.bytes.size());
    to_old_.bytes.append(message.bytes, 0, size);
    message.bytes.erase(0, size);
    if (!message.bytes.empty()) return;
    acknowledge(message.whole);
    new_out_.pop_front();
    ++sent_due_;
  }

  void acknowledge(const std::string& message) {
    HandoverReader reader;
    reader.feed(message);
    const auto read = reader.next();
    if (read->kind != HandoverKind::answer) return;
    const auto answer = read_answer(read->fields);
    for (std::size_t i = 0; i < last_batch_.size(); ++i)
      sessions_.at(last_batch_[i]).is_acknowledged = answer->verdicts[i] == HandoverRefusal::none;
  }

  void tell_sent() {
    --sent_due_;
    taker_.on_sent();
  }

  void end_of_old() {
    while (sent_due_ > 0) tell_sent();
    to_new_.end_seen = true;
    taker_.on_end();
  }

  // recvmsg(2): up to the next bytes with descriptors, which come with the first of them.
  void new_reads() {
    if (to_new_.bytes.empty()) {
      return end_of_old();
    }
    std::vector<int> descriptors;
    std::size_t size = 1 + below(random_, to_new_.bytes.size());
    if (!to_new_.passed.empty() && to_new_.passed.front().at == to_new_.out) {
      descriptors = to_new_.passed.front().descriptors;
      to_new_.passed.pop_front();
      // MSG_CTRUNC: the process has no more.
      if (descriptors.size() > room_) descriptors.resize(room_);
      for (const int descriptor : descriptors) sessions_.at(descriptor).new_has = true;
    }
    if (!to_new_.passed.empty()) size = std::min(size, to_new_.passed.front().at - to_new_.out);
    const std::string bytes = to_new_.bytes.substr(0, size);
    to_new_.bytes.erase(0, size);
    to_new_.out += size;
    taker_.on_bytes(bytes, descriptors);
  }

  void old_reads() {
    if (to_old_.bytes.empty()) {
      to_old_.end_seen = true;
      return giver_.abandon("the channel has ended");
    }
    const std::size_t size = 1 + below(random_, to_old_.bytes.size());
    const std::string bytes = to_old_.bytes.substr(0, size);
    to_old_.bytes.erase(0, size);
    giver_.on_bytes(bytes);
  }

  void old_pauses() {
    pause_due_ = false;
    giver_.on_paused({.last_id = 99, .configuration = {}}, {});
  }

  void old_collects() {
    collect_due_ = false;
    std::vector<Departing> found;
    for (auto& [number, session] : sessions_) {
      if (session.at != Session::At::old_serves || session.stays) continue;
      // A request ends; not within this walk.
      if (session.is_busy) {
        session.is_busy = below(random_, 3) == 0;
        continue;
      }
      SessionState state = sample_text();
      state.id = static_cast<std::uint64_t>(number);
      session.at = Session::At::old_halts;
      found.push_back({state.id, number, fields_of(state)});
      if (found.size() == collect_max_) break;
    }
    if (!found.empty()) last_batch_.clear();
    for (const Departing& departing : found) last_batch_.push_back(departing.descriptor);
    giver_.on_collected(std::move(found));
  }

  // ---- Accidents

  void have_accident() {
    had_accident_ = true;
    switch (below(random_, 5)) {
      case 0:
        return kill_old();
      case 1:
        return kill_new();
      case 2:  // SIGSTOP at the new one: nothing more is heard of it
        if (old_lives_ && !giver_.is_over()) giver_.on_deadline();
        return;
      case 3:
        if (old_lives_) giver_.abandon("this one is to stop");
        return;
      default:
        flip_a_bit(below(random_, 2) == 0 ? to_new_ : to_old_);
    }
  }

  // The next bytes that are on their way, sooner or later.
  void flip_a_bit(Pipe& pipe) {
    if (pipe.bytes.empty()) return;
    char& byte = pipe.bytes[below(random_, pipe.bytes.size())];
    byte = static_cast<char>(byte ^ 1 << below(random_, 8));
    if (&pipe == &to_old_) is_answer_damaged_ = true;
    // Another one may come on top.
    accident_in_ = static_cast<int>(below(random_, 20));
  }

  void kill_old() {
    old_lives_ = false;
    old_accepts_ = false;
    old_out_.clear();
    to_new_.is_open = false;
    to_old_.is_read = false;
    for (auto& [number, session] : sessions_)
      if (session.at != Session::At::old_has_left && !session.new_has && !is_in_flight(number))
        session.at = Session::At::ended;
  }

  void kill_new() {
    if (!std::exchange(new_lives_, false)) return;
    new_accepts_ = false;
    new_out_.clear();
    sent_due_ = 0;
    to_old_.is_open = false;
    to_new_.passed.clear();
    for (auto& [number, session] : sessions_) {
      session.new_has = session.new_serves = false;
      if (session.at == Session::At::old_has_left) session.at = Session::At::ended;
    }
  }

  bool is_in_flight(int number) const {
    return std::ranges::any_of(to_new_.passed, [number](const Pipe::Passed& passed) {
      return std::ranges::count(passed.descriptors, number) > 0;
    });
  }

  // ---- What must hold

  void check() {
    std::uint64_t open = 0;
    for (const auto& [number, session] : sessions_) {
      const bool is_open =
          session.at == Session::At::old_serves || session.at == Session::At::old_halts;
      open += is_open ? 1 : 0;
      const bool old_serves = old_lives_ && session.at == Session::At::old_serves;
      EXPECT_FALSE(old_serves && session.new_serves) << number << " is served by both";
    }
    if (old_lives_) {
      EXPECT_EQ(sessions_.size(), open + handed_over_);
    }
  }

  void check_end() {
    for (const auto& [number, session] : sessions_) {
      EXPECT_FALSE(old_lives_ && session.at == Session::At::old_halts) << number << " hangs";
      EXPECT_FALSE(new_lives_ && session.is_acknowledged && !session.new_serves)
          << number << " was acknowledged and does not live on";
      EXPECT_FALSE(new_lives_ && session.new_has && !session.new_serves)
          << number << " is kept open by a process that does not serve it";
      EXPECT_FALSE(new_lives_ && old_lives_ && session.at == Session::At::old_has_left &&
                   !session.new_serves)
          << number << " was let go of and is served by nobody";
    }
    if (old_lives_) {
      EXPECT_TRUE(was_given_ || has_failed());
    }
    if (old_lives_ && has_failed()) {
      EXPECT_TRUE(old_accepts_ && !new_lives_);
    }
    if (old_lives_ && was_given_ && new_lives_) {
      EXPECT_EQ(handed_over_, taken_over_);
      EXPECT_TRUE(new_accepts_);
    }
    // The old one has died: what it had been told is taken lives on, and the port is served.
    if (!old_lives_ && new_lives_) {
      EXPECT_TRUE(new_accepts_);
    }
    if (new_lives_) {
      EXPECT_LE(ends_of_taker_, 1);
    }
  }

  Random random_;
  std::map<int, Session> sessions_;
  std::size_t batch_max_, in_flight_max_, room_;
  int accident_in_ = -1;
  bool had_accident_ = false;
  bool is_answer_damaged_ = false;
  bool is_new_killed_ = false;  // and may live for a moment yet

  bool old_lives_ = true, new_lives_ = true;
  bool old_accepts_ = true, new_accepts_ = false;
  Pipe to_new_, to_old_;
  std::deque<Outgoing> old_out_, new_out_;
  int sent_due_ = 0;
  bool pause_due_ = false, collect_due_ = false;
  std::size_t collect_max_ = 0;
  std::vector<int> last_batch_;
  std::uint64_t handed_over_ = 0, taken_over_ = 0;
  bool was_given_ = false;
  std::string failed_;
  int ends_of_taker_ = 0;

  Giver giver_;
  Taker taker_;
};

TEST(Upgrade, WhateverHappensNoSessionIsServedByBothAndNoneHangs) {
  std::size_t given = 0;
  std::size_t failed = 0;
  std::size_t moved = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    World world(seed);
    world.run();
    if (HasFailure()) FAIL() << "seed " << seed;
    given += world.was_given() ? 1 : 0;
    failed += world.has_failed() ? 1 : 0;
    moved += world.moved();
    if (!world.had_accident()) {
      EXPECT_TRUE(world.was_given()) << "seed " << seed;
    }
  }
  // The runs were about something.
  EXPECT_GT(given, 5000U);
  EXPECT_GT(failed, 2000U);
  EXPECT_GT(moved, 50'000U);
}

}  // namespace
}  // namespace fairlead
