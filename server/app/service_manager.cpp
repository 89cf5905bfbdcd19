#include "server/app/service_manager.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "server/app/daemon.hpp"

namespace fairlead {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

// How often the number of connections is looked at.
constexpr seconds kStatusEvery{5};

// A state that could not be told is told again.
constexpr seconds kTellAgain{1};

// A stop asks for this much at a time, and again before it is over.
constexpr seconds kExtension{15};
constexpr seconds kExtendEvery{5};

// What may follow the deadline of a stop (docs/operations.md, Stopping), and some room.
constexpr seconds kBehindDeadline{60};

std::string take_variable(const char* name) {
  const char* const value = ::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  return taken;
}

// 0: no number.
std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && last == end ? number : 0;
}

// What systemd compares with its own clock.
std::uint64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

ServiceManagerContact ServiceManagerContact::take_from_environment() {
  ServiceManagerContact contact;
  contact.socket = take_variable("NOTIFY_SOCKET");
  const std::uint64_t watchdog = number_in(take_variable("WATCHDOG_USEC"));
  const std::string pid = take_variable("WATCHDOG_PID");
  const bool is_ours = pid.empty() || number_in(pid) == static_cast<std::uint64_t>(::getpid());
  constexpr std::uint64_t kYear = 365ULL * 24 * 3600 * 1'000'000;
  constexpr std::uint64_t kMillisecond = 1000;
  if (is_ours && watchdog > 0)
    contact.watchdog = microseconds(std::clamp(watchdog, kMillisecond, kYear));
  return contact;
}

microseconds stop_extension(TimePoint deadline, TimePoint now) noexcept {
  if (deadline == kNever) return kExtension;
  return std::clamp<microseconds>(deadline + kBehindDeadline - now, microseconds::zero(),
                                  kExtension);
}

ServiceManager::ServiceManager(Daemon& daemon, LogSink& log, const ServiceManagerContact& contact)
    : daemon_(daemon), log_(log), contact_(contact) {}

Outcome<> ServiceManager::start() {
  if (!is_waiting_) begin();
  return {};
}

void ServiceManager::begin() {
  is_waiting_ = false;
  if (contact_.socket.empty() || state_ >= State::stopping) return;
  std::error_code error;
  sender_.emplace(contact_.socket, error);
  if (error) {
    sender_.reset();
    log_.warn("service_manager_unreachable",
              {field("socket", contact_.socket), field("why", error.message())});
    return;
  }
  look_around_at_.emplace(daemon_.loop());
  probe_at_.emplace(daemon_.loop());
  daemon_.loop().post([this] {
    ready();
    look_around();
    if (contact_.watchdog > microseconds::zero()) probe();
  });
}

// An alarm may have rung before it is cancelled, and its call is still to come.
void ServiceManager::stop() {
  state_ = State::over;
  if (look_around_at_) look_around_at_->cancel();
  if (probe_at_) probe_at_->cancel();
}

void ServiceManager::reloading() {
  if (state_ >= State::stopping) return;
  tell_state("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds()));
}

void ServiceManager::ready() {
  if (state_ >= State::stopping) return;
  state_ = State::serving;
  tell_state("READY=1");
}

void ServiceManager::stopping() {
  state_ = State::stopping;
  tell_state("STOPPING=1");
  if (sender_) look_around();
}

void ServiceManager::main_pid(pid_t pid) {
  tell("MAINPID=" + std::to_string(pid));
  sender_.reset();
  stop();
}

// ---- What is told again and again

void ServiceManager::look_around() {
  if (state_ == State::over) return;
  const bool is_stopping = state_ == State::stopping;
  if (!untold_state_.empty() && tell(untold_state_)) untold_state_.clear();
  if (is_stopping) extend_stop();
  if (status_text() != told_status_) tell_status();
  seconds next = is_stopping ? kExtendEvery : kStatusEvery;
  if (!untold_state_.empty()) next = kTellAgain;
  look_around_at_->set(SteadyClock::now() + next, [this] { look_around(); });
}

void ServiceManager::extend_stop() {
  const microseconds extension = stop_extension(daemon_.shutdown().deadline(), Loop::read_clock());
  if (extension > microseconds::zero())
    tell("EXTEND_TIMEOUT_USEC=" + std::to_string(extension.count()));
}

// WATCHDOG=1 follows when every loop has answered, so a single one that hangs is noticed.
void ServiceManager::probe() {
  if (state_ == State::over) return;
  if (!std::exchange(is_probing_, true))
    daemon_.probe_loops([this] {
      is_probing_ = false;
      tell("WATCHDOG=1");
    });
  probe_at_->set(SteadyClock::now() + contact_.watchdog / 2, [this] { probe(); });
}

std::string ServiceManager::status_text() const {
  const std::uint64_t connections = daemon_.connections();
  const std::string count =
      std::to_string(connections) + (connections == 1 ? " connection" : " connections");
  const std::string note = note_.empty() ? "" : "; " + note_;
  if (state_ != State::stopping) return "serving " + count + note;
  const bool is_lame_duck = daemon_.shutdown().kind() == StopRequest::lame_duck;
  return (is_lame_duck ? "lame duck, " : "draining, ") + count + " left" + note;
}

void ServiceManager::tell_state(std::string state) {
  told_status_ = status_text();
  state += "\nSTATUS=" + told_status_;
  untold_state_ = tell(state) ? std::string() : std::move(state);
}

void ServiceManager::tell_status() {
  told_status_ = status_text();
  tell("STATUS=" + told_status_);
}

bool ServiceManager::tell(std::string_view text) {
  if (!sender_) return true;
  const std::error_code error = sender_->send(text);
  if (error && !std::exchange(has_warned_, true))
    log_.warn("service_manager_unreachable",
              {field("socket", contact_.socket), field("why", error.message())});
  return !error;
}

}  // namespace fairlead
