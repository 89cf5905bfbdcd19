// What the daemon tells the service manager that has started it: systemd, or any other that speaks
// the protocol of sd_notify(3). docs/decisions/0017 says why without its library.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/io/datagram_sender.hpp"
#include "common/io/loop.hpp"
#include "common/log/log_sink.hpp"
#include "server/app/component.hpp"
#include "server/app/shutdown.hpp"

namespace fairlead {

class Daemon;

// How the manager can be told, and what it expects.
struct ServiceManagerContact {
  std::string socket = {};               // $NOTIFY_SOCKET; empty: there is none to tell
  std::chrono::microseconds watchdog{};  // how often it wants to hear WATCHDOG=1; 0: never

  // Takes what the environment has out of it, so that no child speaks for the daemon. Before the
  // first thread begins.
  static ServiceManagerContact take_from_environment();
};

// How much more time a stop with that deadline asks for; 0 once it has had enough: a daemon that
// hangs is to be killed. kNever: the deadline is not known yet.
std::chrono::microseconds stop_extension(TimePoint deadline, TimePoint now) noexcept;

// Used in turns of the first loop. Without a socket nothing is done. One that is full or has gone
// is a warning, once.
class ServiceManager final : public Component {
 public:
  // The daemon and the log outlive it.
  ServiceManager(Daemon& daemon, LogSink& log, const ServiceManagerContact& contact);

  // ready() is said by the first turn of the loop, unless wait_for_order() was called: then begin()
  // does all that. Until then nothing is told, because another process is the service.
  Outcome<> start() override;
  void wait_for_order() noexcept { is_waiting_ = true; }
  void begin();
  void begin_drain() override { stopping(); }
  void stop() override;

  // A reload begins, and has ended: ready() follows, whatever came of it.
  void reloading();
  void ready();
  void stopping();
  // Another process is the service from now on; nothing is told any more.
  void main_pid(pid_t pid);
  // What is shown behind the number of connections, until the next one: "reload refused: 3 errors".
  void status(std::string note) {
    note_ = std::move(note);
    tell_status();
  }

 private:
  enum class State : std::uint8_t { starting, serving, stopping, over };

  void tell_state(std::string state);
  void tell_status();
  bool tell(std::string_view text);
  void extend_stop();
  void look_around();
  void probe();
  std::string status_text() const;

  Daemon& daemon_;
  LogSink& log_;
  const ServiceManagerContact contact_;
  std::optional<DatagramSender> sender_;  // none: nobody is told
  State state_ = State::starting;
  std::string note_;
  std::string told_status_;
  std::string untold_state_;  // what could not be sent of it
  bool has_warned_ = false;
  bool is_waiting_ = false;
  bool is_probing_ = false;  // some loop has not answered yet
  std::optional<Alarm> look_around_at_, probe_at_;
};

}  // namespace fairlead
