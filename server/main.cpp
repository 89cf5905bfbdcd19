// fairleadd: reads the command line and the configuration, then runs, checks or explains.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/background_thread.hpp"
#include "common/base/build_info.hpp"
#include "common/base/descriptor.hpp"
#include "common/config/files.hpp"
#include "common/config/source.hpp"
#include "common/log/line_file.hpp"
#include "common/log/log.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/api/service_table.hpp"
#include "server/app/command_line.hpp"
#include "server/app/control_groups.hpp"
#include "server/app/daemon.hpp"
#include "server/app/doctor.hpp"
#include "server/app/listeners.hpp"
#include "server/app/server_config.hpp"

namespace fairlead {
namespace {

int fail(const Failure& failure) {
  std::istringstream lines(failure.what);
  for (std::string line; std::getline(lines, line);)
    std::fprintf(stderr, "fairleadd: %s\n", line.c_str());
  return failure.exit_status;
}

Outcome<LoadedConfig> load(const CommandLine& command_line) {
  DiskFiles files;
  const Environment environment = process_environment();
  ConfigWorld world{.files = files, .environment = environment, .service_types = {}};
  for (const ServiceType& type : service_types()) world.service_types.push_back(type.name);
  world.cores = usable_cores();
  return load_server_config(command_line, world);
}

// The close reasons of connections that were refused.
std::vector<std::string_view> refusals() {
  std::vector<std::string_view> names;
  for (std::uint8_t number = 0; number < kCloseReasonCount; ++number) {
    const auto reason = static_cast<CloseReason>(number);
    if (is_refusal(reason)) names.push_back(name_of(reason));
  }
  return names;
}

int run_with_log(const SettingsSnapshot& settings, const std::vector<std::string>& warnings) {
  const LogSettings& log = settings->log;
  const auto opened = Log::open({.level = level_named(log.level).value_or(Level::info),
                                 .format = log.json ? LogFormat::json : LogFormat::text,
                                 .file = log.file,
                                 .session_file = log.session_file,
                                 .transcript = STDOUT_FILENO,
                                 .repeats = log.repeats,
                                 .limited_reasons = refusals()});
  if (!opened) {
    const bool forbidden = opened.error().code == std::errc::permission_denied;
    return fail({opened.error().what, forbidden ? kExitNoPermission : kExitRuntimeFailure});
  }
  for (const std::string& warning : warnings)
    (*opened)->warn("configuration", {field("what", warning)});
  const Outcome<> outcome = run_daemon(settings, **opened);
  const int status = outcome ? 0 : fail(outcome.error());
  if (!(*opened)->finish()) ::_exit(status);
  return status;
}

// Above the listing of -T, as a comment of it.
constexpr const char* kClasses =
    "# Every change needs a restart. The class says what a reload will change once there is one:\n"
    "# L at once, N for new connections, R nothing.\n\n";

// Flushes stdout. The status stands only if all of the output could be written.
int printed(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return fail(
      {"cannot write to stdout; make room there or name another place", kExitRuntimeFailure});
}

// What a start would run into, as far as it can be found out beside a daemon that runs.
int check(const ServerSettings& settings) {
  int status = 0;
  // A warning at most: a shell's limit need not be the service's.
  std::vector<Finding> findings{examine_descriptors(settings, gather_facts().descriptors_hard)};
  if (findings[0].grade == Finding::Grade::bad) findings[0].grade = Finding::Grade::warn;
  std::ranges::move(try_start(settings), std::back_inserter(findings));
  for (const Finding& finding : findings) {
    const std::string line = finding.where + ": " + finding.what;
    if (finding.grade == Finding::Grade::warn) fail({"warning: " + line, 0});
    if (finding.grade != Finding::Grade::bad) continue;
    const int failed = fail({line, finding.is_denied ? kExitNoPermission : kExitRuntimeFailure});
    if (status == 0) status = failed;
  }
  if (status == 0) std::fputs("fairleadd: the configuration is valid\n", stderr);
  return status;
}

int diagnose(const ServerSettings& settings) {
  int status = 0;
  for (const auto& findings : {examine(settings, gather_facts()), try_start(settings)}) {
    for (const Finding& finding : findings) {
      std::puts(finding.text().c_str());
      if (finding.grade == Finding::Grade::bad) status = kExitRuntimeFailure;
    }
  }
  return printed(status);
}

int run(const std::vector<std::string>& arguments) {
  const Outcome<CommandLine> parsed = parse_command_line(arguments);
  if (!parsed) return fail(parsed.error());
  const CommandLine& command_line = *parsed;
  if (command_line.action == CommandLine::Action::help)
    return std::fputs(help_text().c_str(), stdout), printed(0);
  if (command_line.action == CommandLine::Action::version)
    return std::fputs(version_text("fairleadd").c_str(), stdout), printed(0);

  Outcome<LoadedConfig> loaded = load(command_line);
  if (!loaded) return fail(loaded.error());
  if (const std::string conflict = conflict_of_names(loaded->settings, addresses_of);
      !conflict.empty())
    return fail({conflict, kExitInvalidConfiguration});
  if (command_line.action != CommandLine::Action::run)
    for (const std::string& warning : loaded->warnings) fail({"warning: " + warning, 0});
  if (command_line.action == CommandLine::Action::doctor) return diagnose(loaded->settings);
  if (command_line.action == CommandLine::Action::print) {
    std::fputs(kClasses, stdout);
    std::fputs(loaded->listing.c_str(), stdout);
    if (const int status = printed(0); status != 0) return status;
  }
  if (command_line.action != CommandLine::Action::run) return check(loaded->settings);
  return run_with_log(std::make_shared<const ServerSettings>(std::move(loaded->settings)),
                      loaded->warnings);
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  // Until the daemon waits for them: neither a log rotation nor the end of a terminal ends it.
  for (const int number : {SIGUSR1, SIGHUP}) ::signal(number, SIG_IGN);
  fairlead::take_signals_anew();
  fairlead::hold_standard_descriptors();
  try {
    return fairlead::run({argv + 1, argv + argc});
  } catch (const std::system_error& failure) {
    return fairlead::fail({fairlead::advised(failure), fairlead::kExitRuntimeFailure});
  } catch (const std::exception& failure) {
    return fairlead::fail({failure.what(), fairlead::kExitRuntimeFailure});
  }
}
