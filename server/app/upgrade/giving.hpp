// An upgrade, as the old process makes it: starts the new one, hands over, and serves on if that
// fails (docs/decisions/0016).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/daemon.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/upgrade/departures.hpp"
#include "server/app/upgrade/older_daemons.hpp"
#include "server/app/upgrade/program.hpp"

namespace fairlead {

class HandOver;

// Used on the main thread. Each request is answered in the log, whatever its level: by
// `upgrade_refused`, or `upgrade_began` and then `upgraded` or `upgrade_failed`.
class Giving final : public Component {
 public:
  // All of these outlive it.
  struct Environment {
    Daemon& daemon;
    ServiceManager& manager;
    Log& log;
    const ServiceManagerContact& contact;
    const Program& program;
    OlderDaemons& older;
    // Why no upgrade may begin now; empty: one may.
    std::function<std::string()> why_not;
    std::function<std::string()> configuration;  // as -T lists it
  };

  explicit Giving(Environment environment);
  ~Giving() override;

  void request();
  // Empty: there may be one.
  std::string why_no_reload() const;
  // SIGCHLD has come.
  void on_child_signal();

  void stop() override;

 private:
  std::string why_refused();
  void begin();
  // The attempt is over, and nothing of it is under way any more.
  void end_attempt();

  const Environment environment_;
  Departures departures_;
  std::unique_ptr<HandOver> attempt_;
  std::vector<pid_t> children_;  // that have not been reaped
  pid_t successor_ = 0;          // who has taken over
};

}  // namespace fairlead
