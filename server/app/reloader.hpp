// A reload: the configuration is read again, and the daemon changes to it as a whole or not at all
// (docs/operations.md, Changing).
#pragma once

#include <memory>
#include <thread>

#include "common/config/configuration.hpp"
#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/config_source.hpp"
#include "server/app/daemon.hpp"
#include "server/app/outcome.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/setting_changes.hpp"

namespace fairlead {

// Used on the main thread. What may wait (files, names, sockets) is prepared by a thread of its
// own, beside the daemon that serves; one reload at a time. Each request is answered in the log,
// whatever its level: `reloaded`, or `reload_refused` behind a line for each mistake.
class Reloader final : public Component {
 public:
  // All of these outlive it. `running`: what the daemon was started with.
  Reloader(Daemon& daemon, ServiceManager& manager, Log& log, const ConfigSource& source,
           Configuration running);
  ~Reloader() override;

  // One that comes while another is under way is done behind it.
  void request();
  // Answers a request that cannot be followed now.
  void refuse_request(const std::string& why);

  bool is_under_way() const noexcept { return is_under_way_; }
  const Configuration& running() const noexcept { return running_; }

  void stop() override;

 private:
  struct Prepared {
    LoadedConfig config;  // of R keys as it was
    SettingChanges changes;
    DaemonChange change;
  };

  static Outcome<Prepared> prepare(const ConfigSource& source, const Configuration& running,
                                   const ServerSettings& settings, Log& log,
                                   const HeldListeners& listeners);
  void begin();
  void use(Outcome<Prepared> prepared);
  void report(const SettingChanges& changes);
  void refuse(const Failure& why);
  void report_refusal(const Failure& why);
  void end();

  Daemon& daemon_;
  ServiceManager& manager_;
  Log& log_;
  const ConfigSource& source_;
  Configuration running_;
  std::thread preparing_;
  std::shared_ptr<Outcome<Prepared>> prepared_;  // the thread's until it has ended
  bool is_under_way_ = false;
  bool is_asked_again_ = false;
};

}  // namespace fairlead
