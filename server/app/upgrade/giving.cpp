#include "server/app/upgrade/giving.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "server/app/upgrade/hand_over.hpp"
#include "server/app/upgrade/start_successor.hpp"

namespace fairlead {
namespace {

// More of them would be a machine full of old versions.
constexpr std::size_t kOlderMax = 3;

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const char* const name = ::sigabbrev_np(number);
    return "it was ended by signal " + std::to_string(number) +
           (name == nullptr ? "" : std::string(" (") + name + ")");
  }
  const int exit_status = WEXITSTATUS(status);
  std::string text = "it has ended with exit status " + std::to_string(exit_status);
  if (exit_status == kExitInvalidConfiguration)
    text += ": it finds the configuration invalid, and has said why on stderr";
  return text;
}

}  // namespace

Giving::Giving(Environment environment)
    : environment_(std::move(environment)), departures_(environment_.daemon.shards()) {}

Giving::~Giving() = default;

void Giving::request() {
  const std::string why = why_refused();
  if (why.empty()) return begin();
  const Field fields[] = {field("reason", why)};
  environment_.log.report(Level::warn, "upgrade_refused", fields);
}

std::string Giving::why_no_reload() const {
  if (successor_ != 0) return "process " + std::to_string(successor_) + " has taken over";
  return attempt_ ? "an upgrade is under way" : "";
}

std::string Giving::why_refused() {
  if (::getpid() == 1)
    return "as process 1 this one cannot leave without its container: start another container "
           "beside it, then stop this one";
  if (successor_ != 0) return "process " + std::to_string(successor_) + " has taken over already";
  if (environment_.daemon.is_stopping()) return "the daemon is being stopped";
  if (attempt_) return "another upgrade is under way";
  if (const std::string why = environment_.why_not(); !why.empty()) return why;
  if (environment_.older.channels().size() >= kOlderMax)
    return std::to_string(kOlderMax) +
           " older processes still serve clients: wait until one has ended, or end it by TERM";
  return {};
}

void Giving::begin() {
  Daemon& daemon = environment_.daemon;
  const auto begun = Loop::read_clock();
  Outcome<Started> started = failure("");
  try {
    started =
        start_successor(environment_.program, environment_.contact, daemon.listeners().opened());
  } catch (const std::system_error& error) {
    started = failure(advised(error));
  }
  if (!started) {
    const Field fields[] = {field("reason", started.error().what)};
    return environment_.log.report(Level::error, "upgrade_failed", fields);
  }
  const pid_t pid = started->pid;
  const Field fields[] = {field("pid", pid), field("path", environment_.program.path)};
  environment_.log.report(Level::info, "upgrade_began", fields);
  children_.push_back(pid);
  attempt_ = std::make_unique<HandOver>(
      HandOver::Environment{.daemon = daemon,
                            .log = environment_.log,
                            .departures = departures_,
                            .older = environment_.older,
                            .configuration = environment_.configuration,
                            .before_done = [this, pid] { environment_.manager.main_pid(pid); },
                            .over =
                                [this, pid](HandOver::Result result) {
                                  if (result == HandOver::Result::given) successor_ = pid;
                                  end_attempt();
                                }},
      std::move(*started), begun);
  daemon.hold_stops([this] { attempt_->abandon("this daemon is to stop"); });
  attempt_->begin();
}

// Behind what the attempt is doing just now. One that has succeeded keeps its channel: the new
// process knows by it that this one lives.
void Giving::end_attempt() {
  environment_.daemon.loop().post([this] {
    if (successor_ == 0) attempt_.reset();
    environment_.daemon.release_stops();
    if (successor_ != 0) environment_.daemon.hand_over();
  });
}

void Giving::on_child_signal() {
  for (std::size_t i = 0; i < children_.size();) {
    int status = 0;
    const pid_t pid = children_[i];
    if (::waitpid(pid, &status, WNOHANG) != pid) {
      ++i;
      continue;
    }
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
    if (attempt_ && attempt_->pid() == pid) attempt_->abandon(ending_of(status));
  }
}

void Giving::stop() { attempt_.reset(); }

}  // namespace fairlead
