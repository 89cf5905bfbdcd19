#include "server/app/run_daemon.hpp"

#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"
#include "common/io/signals.hpp"
#include "server/app/daemon.hpp"
#include "server/app/reloader.hpp"
#include "server/app/upgrade/giving.hpp"
#include "server/app/upgrade/older_daemons.hpp"
#include "server/app/upgrade/taking.hpp"

namespace fairlead {
namespace {

// What changes the daemon while it serves: one at a time.
struct Changes {
  Reloader& reload;
  Giving& giving;
  Taking& taking;
};

std::string why_not_beside(const Taking& taking) {
  return taking.is_under_way() ? "this process is taking over from an older one" : "";
}

std::string why_not_beside(const Reloader& reload, const Taking& taking) {
  return reload.is_under_way() ? "a reload is under way" : why_not_beside(taking);
}

std::string why_not_beside(const Giving& giving, const Taking& taking) {
  const std::string why = giving.why_no_reload();
  return why.empty() ? why_not_beside(taking) : why;
}

// What the signals of docs/operations.md ask of the daemon.
class SignalHandling final : public Component {
 public:
  SignalHandling(Daemon& daemon, const Changes& changes, Log& log)
      : daemon_(daemon), changes_(changes), log_(log) {}

  Outcome<> start() override {
    signals_.emplace(
        daemon_.loop(),
        std::initializer_list<int>{SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD},
        [this](const SignalEvent& signal) { on_signal(signal); });
    return {};
  }

  // The exit status is decided: a signal that comes after its handler has gone would change it.
  void stop() override {
    block_signals();
    if (signals_) signals_->stop();
  }

 private:
  void on_signal(const SignalEvent& signal) {
    switch (signal.number) {
      case SIGUSR1:
        log_.reopen();
        return daemon_.log_counters();
      case SIGUSR2:
        return changes_.giving.request();
      case SIGHUP: {
        const std::string why = why_not_beside(changes_.giving, changes_.taking);
        return why.empty() ? changes_.reload.request() : changes_.reload.refuse_request(why);
      }
      case SIGCHLD:
        return changes_.giving.on_child_signal();
      default:
        return daemon_.request_stop(
            signal.number == SIGQUIT ? StopRequest::lame_duck : StopRequest::drain, signal);
    }
  }

  Daemon& daemon_;
  const Changes changes_;
  Log& log_;
  std::optional<Signals> signals_;
};

}  // namespace

Outcome<> run_daemon(LoadedConfig config, const ConfigSource& source, Log& log,
                     ProcessStart start) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader of stdout that has gone does not end the daemon
  const auto settings = std::make_shared<const ServerSettings>(std::move(config.settings));
  raise_descriptor_limit();
  Daemon daemon(settings, log, connection_limit(descriptors_max(), *settings));
  ServiceManager manager(daemon, log, start.manager);
  Reloader reloader(daemon, manager, log, source, std::move(config.configuration));
  OlderDaemons older;
  Taking taking({daemon, manager, log, source, older}, std::move(start.upgrade));
  Giving giving({.daemon = daemon,
                 .manager = manager,
                 .log = log,
                 .contact = start.manager,
                 .program = start.program,
                 .older = older,
                 .why_not = [&] { return why_not_beside(reloader, taking); },
                 .configuration = [&] { return reloader.running().listing(); }});
  SignalHandling signals(daemon, {reloader, giving, taking}, log);
  daemon.add(manager);
  daemon.add(reloader);
  daemon.add(giving);
  daemon.add(taking);
  daemon.add(signals);
  if (Outcome<> opened = daemon.open(std::move(start.sockets)); !opened) return opened;
  return daemon.run();
}

}  // namespace fairlead
