#include "server/app/upgrade/hand_over.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace fairlead {
namespace {

// How long the exit status of a process whose channel has ended is waited for.
constexpr std::chrono::seconds kExitWait{1};

// So late is no alarm of a process that runs; and what it then waits on.
constexpr std::chrono::seconds kLate{1};
constexpr std::chrono::seconds kGrace{1};

}  // namespace

HandOver::HandOver(Environment environment, Started started, TimePoint begun)
    : environment_(std::move(environment)),
      pid_(started.pid),
      begun_(begun),
      channel_(environment_.daemon.loop(), std::move(started.channel), *this),
      deadline_(environment_.daemon.loop()),
      giver_(*this) {}

void HandOver::begin() {
  const bool gives_sessions = environment_.daemon.settings()->upgrade == UpgradeMode::sessions;
  environment_.departures.begin();
  channel_.start();
  giver_.begin(gives_sessions ? Giver::Gives::sessions : Giver::Gives::listeners);
}

void HandOver::abandon(const std::string& why) { giver_.abandon(why); }

// ---- The channel

HandOver::Sent HandOver::send(std::string message, const std::vector<int>& descriptors) {
  const auto sending = channel_.send(std::move(message), descriptors);
  return sending == DescriptorChannel::Sending::begun ? Sent::yes : Sent::too_many;
}

void HandOver::received(Bytes bytes, const std::vector<int>& descriptors) {
  for (const int descriptor : descriptors) ::close(descriptor);  // nobody has asked for them
  giver_.on_bytes(bytes);
}

void HandOver::sent() { deliver(); }

// It has died, most likely: how is told by its exit status, in a moment.
void HandOver::ended() {
  if (giver_.is_over()) return;
  has_channel_ended_ = true;
  expect(kExitWait, [this] { giver_.abandon("it has closed the channel to this process"); });
}

std::string HandOver::stop_listening_to_taker() { return channel_.stop_receiving(); }

void HandOver::kill_taker() { ::kill(pid_, SIGKILL); }

// What was under way when the channel ended, as a collection, does not prolong the wait.
void HandOver::set_deadline() {
  if (has_channel_ended_) return;
  has_grace_ = false;
  expect(environment_.daemon.settings()->timeouts.upgrade, [this] { giver_.on_deadline(); });
}

// An alarm that is replaced may have rung already, where this process was busy: it is void. One
// that comes late says that this process did not run (SIGSTOP, a machine that was frozen): the
// answer may have come meanwhile, and is heard first.
void HandOver::expect(Duration time, std::function<void()> missed) {
  const auto at = std::chrono::steady_clock::now() + time;
  deadline_at_ = at;
  deadline_.set(at, [this, at, missed = std::move(missed)] {
    if (deadline_at_ != at) return;
    const bool is_late = std::chrono::steady_clock::now() >= at + kLate;
    if (is_late && !std::exchange(has_grace_, true)) return expect(kGrace, missed);
    missed();
  });
}

void HandOver::expect_nothing() {
  deadline_at_.reset();
  deadline_.cancel();
}

// ---- The listeners

// Those that were accepted last have their numbers once every shard has had a turn.
void HandOver::pause_listeners() {
  is_pausing_ = true;
  environment_.daemon.listeners().pause(
      [this] { environment_.daemon.probe_loops([this] { on_paused(); }); });
}

void HandOver::on_paused() {
  is_pausing_ = false;
  giver_.on_paused(
      {.last_id = environment_.daemon.last_id(), .configuration = environment_.configuration()},
      environment_.older.channels());
  end_when_settled();
}

void HandOver::resume_listeners() { environment_.daemon.listeners().resume(); }

// ---- The sessions

void HandOver::collect(std::size_t sessions_max) {
  environment_.departures.collect(sessions_max, [this](std::vector<Departing> sessions) {
    collected_ = std::move(sessions);
    deliver();
  });
}

void HandOver::deliver() {
  if (!collected_ || (channel_.is_sending() && !giver_.is_over())) return;
  giver_.on_collected(*std::exchange(collected_, std::nullopt));
  end_when_settled();
}

void HandOver::settle(const std::vector<Departed>& sessions) {
  environment_.departures.settle(sessions);
}

// ---- The end

// The new process hears of it behind the service manager.
void HandOver::on_given() {
  expect_nothing();
  channel_.rest();
  environment_.daemon.listeners().leave_paths();
  environment_.before_done();
  environment_.daemon.shards().gather([](ShardThread& thread) { return thread.shard.census(); },
                                      [this](const Census& kept) { report_given(kept); });
}

void HandOver::report_given(const Census& kept) {
  std::vector<Field> fields{
      field("to", pid_), field("sessions_handed_over", giver_.counts()[0]),
      field("sessions_kept", kept.text + kept.len32 + kept.framed + kept.undecided),
      field("ms", (Loop::read_clock() - begun_).count())};
  // Why the new process has refused some.
  for (std::size_t i = 1; i < giver_.counts().size(); ++i)
    if (giver_.counts()[i] > 0)
      fields.push_back(field(name_of(static_cast<HandoverRefusal>(i)), giver_.counts()[i]));
  environment_.log.report(Level::info, "upgraded", fields);
  environment_.over(Result::given);
}

void HandOver::on_failed(const std::string& why) {
  expect_nothing();
  failure_ = why;
  environment_.daemon.note_ports();
  deliver();
  end_when_settled();
}

// What is still being collected comes back first, and listeners that are being paused have been.
void HandOver::end_when_settled() {
  const bool is_settled = !collected_ && !environment_.departures.is_collecting() && !is_pausing_;
  if (!failure_ || !is_settled || std::exchange(is_told_, true)) return;
  const Field fields[] = {field("reason", *failure_)};
  environment_.log.report(Level::error, "upgrade_failed", fields);
  environment_.over(Result::failed);
}

}  // namespace fairlead
