// The daemon as a process: its signals, its service manager, reloads and upgrades around it.
#pragma once

#include "common/log/log.hpp"
#include "server/app/config_source.hpp"
#include "server/app/inherited_sockets.hpp"
#include "server/app/outcome.hpp"
#include "server/app/server_config.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/upgrade/contact.hpp"
#include "server/app/upgrade/program.hpp"

namespace fairlead {

// What whoever has started the process has given to it.
struct ProcessStart {
  Program program;
  ServiceManagerContact manager;
  InheritedSockets sockets;
  UpgradeContact upgrade;
};

// Raises the limit of descriptors, takes the signals, and serves until one of them ends it. Called
// once, on the main thread. `config` has been loaded from `source`.
Outcome<> run_daemon(LoadedConfig config, const ConfigSource& source, Log& log, ProcessStart start);

}  // namespace fairlead
