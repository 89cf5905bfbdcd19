#include "server/app/reloader.hpp"

#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"

namespace fairlead {

Reloader::Reloader(Daemon& daemon, ServiceManager& manager, Log& log, const ConfigSource& source,
                   Configuration running)
    : daemon_(daemon),
      manager_(manager),
      log_(log),
      source_(source),
      running_(std::move(running)) {}

Reloader::~Reloader() { stop(); }

// What was prepared last is not looked at any more.
void Reloader::stop() {
  if (preparing_.joinable()) preparing_.join();
  if (prepared_ && *prepared_) close_listeners((*prepared_)->change.opened);
  prepared_.reset();
}

void Reloader::request() {
  if (is_under_way_) {
    is_asked_again_ = true;
  } else {
    begin();
  }
}

void Reloader::begin() {
  is_under_way_ = true;
  manager_.reloading();
  if (preparing_.joinable()) preparing_.join();  // it has ended
  prepared_ = std::make_shared<Outcome<Prepared>>(failure("out of memory"));
  auto held = std::make_shared<const HeldListeners>(daemon_.hold_listeners());
  try {
    preparing_ =
        start_background_thread([this, held = std::move(held), prepared = prepared_,
                                 settings = daemon_.settings(), running = running_]() mutable {
          try {
            *prepared = prepare(source_, running, *settings, log_, *held);
          } catch (const std::exception& error) {
            *prepared = failure(error.what());
          }
          held.reset();
          daemon_.loop().post([this] {
            if (const auto ready = std::exchange(prepared_, nullptr)) use(std::move(*ready));
          });
        });
  } catch (const std::system_error& error) {
    refuse({advised(error), kExitRuntimeFailure});
  }
}

// On a thread of its own.
Outcome<Reloader::Prepared> Reloader::prepare(const ConfigSource& source,
                                              const Configuration& running,
                                              const ServerSettings& settings, Log& log,
                                              const HeldListeners& listeners) {
  const Outcome<LoadedConfig> written = source.load();
  if (!written) return tl::unexpected(written.error());
  Outcome<LoadedConfig> adapted = source.adapt(*written, running, settings);
  if (!adapted) return tl::unexpected(adapted.error());
  auto log_change = log.prepare_change(log_options(adapted->settings.log));
  if (!log_change) return failure(log_change.error().what);
  Outcome<OpenedListeners> opened = open_new_listeners(adapted->settings, log, listeners);
  if (!opened) return tl::unexpected(opened.error());
  auto snapshot = std::make_shared<const ServerSettings>(std::move(adapted->settings));
  return Prepared{std::move(*adapted),
                  changes_between(running, written->configuration),
                  {std::move(snapshot), std::move(*opened), std::move(*log_change)}};
}

void Reloader::use(Outcome<Prepared> prepared) {
  if (!prepared) return refuse(prepared.error());
  for (const std::string& warning : prepared->config.warnings)
    log_.warn("configuration", {field("what", warning)});
  daemon_.change(std::move(prepared->change),
                 [this, configuration = std::move(prepared->config.configuration),
                  changes = std::move(prepared->changes)](const Outcome<>& outcome) {
                   if (!outcome) return refuse(outcome.error());
                   running_ = configuration;
                   report(changes);
                   end();
                 });
}

void Reloader::report(const SettingChanges& changes) {
  const auto tell = [this](const std::vector<SettingChange>& list, const char* when) {
    for (const SettingChange& change : list) {
      const Field fields[] = {field("key", change.key), field("before", change.before),
                              field("after", change.after), field("in_force", when)};
      log_.report(Level::info, "setting_changed", fields);
    }
  };
  tell(changes.at_once, "at_once");
  tell(changes.new_connections, "new_connections");
  for (const SettingChange& change : changes.restart) {
    const Field fields[] = {field("key", change.key), field("running", change.before),
                            field("file", change.after)};
    log_.report(Level::warn, "restart_needed", fields);
  }
  const Field fields[] = {field("at_once", changes.at_once.size()),
                          field("new_connections", changes.new_connections.size()),
                          field("restart", changes.restart.size()),
                          field("unchanged", changes.unchanged)};
  log_.report(Level::info, "reloaded", fields);
  manager_.status(changes.restart.empty()
                      ? ""
                      : "keys that wait for a restart: " + std::to_string(changes.restart.size()));
}

void Reloader::refuse(const Failure& why) {
  report_refusal(why);
  end();
}

void Reloader::refuse_request(const std::string& why) {
  report_refusal({why, kExitRuntimeFailure});
}

void Reloader::report_refusal(const Failure& why) {
  std::istringstream lines(why.what);
  std::uint64_t errors = 0;
  for (std::string line; std::getline(lines, line); ++errors) {
    const Field fields[] = {field("what", line)};
    log_.report(Level::error, "reload_error", fields);
  }
  const Field fields[] = {field("errors", errors), field("in_force", "the settings of before")};
  log_.report(Level::error, "reload_refused", fields);
  manager_.status("reload refused, see the log; errors: " + std::to_string(errors));
}

void Reloader::end() {
  is_under_way_ = false;
  manager_.ready();
  if (std::exchange(is_asked_again_, false)) request();
}

}  // namespace fairlead
