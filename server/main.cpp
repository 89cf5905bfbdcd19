// fairleadd: reads the command line and the configuration, then runs, checks or explains.
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/background_thread.hpp"
#include "common/base/build_info.hpp"
#include "common/base/descriptor.hpp"
#include "common/log/line_file.hpp"
#include "common/log/log.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/app/command_line.hpp"
#include "server/app/config_source.hpp"
#include "server/app/crash_report.hpp"
#include "server/app/doctor.hpp"
#include "server/app/inherited_sockets.hpp"
#include "server/app/run_daemon.hpp"
#include "server/app/server_config.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/setting_changes.hpp"

namespace fairlead {
namespace {

std::string journal_stream() {
  const char* const stream = ::getenv("JOURNAL_STREAM");
  return stream == nullptr ? "" : stream;
}

int fail(const Failure& failure) {
  const char* priority = "";
  if (is_journal(STDERR_FILENO, journal_stream()))
    priority = failure.exit_status == 0 ? "<4>" : "<3>";
  std::istringstream lines(failure.what);
  for (std::string line; std::getline(lines, line);)
    std::fprintf(stderr, "%sfairleadd: %s\n", priority, line.c_str());
  return failure.exit_status;
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

// A name that no service of names knows is a number.
std::string user_name() {
  const passwd* const user = ::getpwuid(::geteuid());
  return user == nullptr ? std::to_string(::geteuid()) : user->pw_name;
}

int run_with_log(LoadedConfig config, const ConfigSource& source, const Program& program) {
  // Before the log's threads.
  Outcome<UpgradeContact> upgrade = UpgradeContact::take_from_environment();
  if (!upgrade) return fail(upgrade.error());
  Outcome<InheritedSockets> inherited = take_inherited_sockets();
  if (!inherited) return fail(inherited.error());
  ProcessStart start{program, ServiceManagerContact::take_from_environment(), std::move(*inherited),
                     std::move(*upgrade)};
  LogOptions options = log_options(config.settings.log);
  options.journal_stream = journal_stream();
  options.transcript = STDOUT_FILENO;
  options.limited_reasons = refusals();
  const auto opened = Log::open(options);
  if (!opened) {
    const bool forbidden = opened.error().code == std::errc::permission_denied;
    return fail({opened.error().what, forbidden ? kExitNoPermission : kExitRuntimeFailure});
  }
  std::error_code unknown;  // the folder this was started in
  const std::string path =
      config.file.empty()
          ? config.file
          : std::filesystem::absolute(config.file, unknown).lexically_normal().string();
  (*opened)->info("starting", {field("version", version()), field("pid", ::getpid()),
                               field("user", user_name()), field("config", path)});
  for (const std::string& warning : config.warnings)
    (*opened)->warn("configuration", {field("what", warning)});
  const Outcome<> outcome = run_daemon(std::move(config), source, **opened, std::move(start));
  const bool has_ended = (*opened)->finish();  // the failure is the last line
  const int status = outcome ? 0 : fail(outcome.error());
  if (!has_ended) ::_exit(status);
  return status;
}

// Above the listing of -T, as a comment of it.
constexpr const char* kClasses =
    "# The class says when a changed value is in force behind a reload (HUP): L at once, N for "
    "new\n"
    "# connections, R only behind a restart.\n\n";

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
  std::vector<Finding> findings{examine_descriptors(settings, descriptors_max())};
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

int check_reload(const ConfigSource& source, const LoadedConfig& running, const std::string& file) {
  const Outcome<LoadedConfig> written = source.load_file(file);
  if (!written) return fail(written.error());
  const auto adapted = source.adapt(*written, running.configuration, running.settings);
  if (!adapted) return fail(adapted.error());
  const auto changes = changes_between(running.configuration, written->configuration);
  std::fputs(changes.text().c_str(), stdout);
  return printed(0);
}

int run(const Program& program) {
  // Without the program's name, which execve(2) may have left out.
  const auto& given = program.arguments;
  const std::size_t names = std::min<std::size_t>(given.size(), 1);
  const Outcome<CommandLine> parsed =
      parse_command_line({given.begin() + static_cast<std::ptrdiff_t>(names), given.end()});
  if (!parsed) return fail(parsed.error());
  const CommandLine& command_line = *parsed;
  if (command_line.action == CommandLine::Action::help)
    return std::fputs(help_text().c_str(), stdout), printed(0);
  if (command_line.action == CommandLine::Action::version)
    return std::fputs(version_text("fairleadd").c_str(), stdout), printed(0);

  const ConfigSource source(command_line);
  Outcome<LoadedConfig> loaded = source.load();
  if (!loaded) return fail(loaded.error());
  if (command_line.action != CommandLine::Action::run)
    for (const std::string& warning : loaded->warnings) fail({"warning: " + warning, 0});
  if (command_line.action == CommandLine::Action::reload_check)
    return check_reload(source, *loaded, command_line.reload_file);
  if (command_line.action == CommandLine::Action::doctor) return diagnose(loaded->settings);
  if (command_line.action == CommandLine::Action::print) {
    std::fputs(kClasses, stdout);
    std::fputs(loaded->configuration.listing().c_str(), stdout);
    if (const int status = printed(0); status != 0) return status;
  }
  if (command_line.action != CommandLine::Action::run) return check(loaded->settings);
  return run_with_log(std::move(*loaded), source, program);
}

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  // Until the daemon waits for them: neither a log rotation nor the end of a terminal ends it.
  for (const int number : {SIGUSR1, SIGUSR2, SIGHUP}) ::signal(number, SIG_IGN);
  fairlead::take_signals_anew();
  fairlead::hold_standard_descriptors();
  const bool is_journal = fairlead::is_journal(STDERR_FILENO, fairlead::journal_stream());
  fairlead::report_crashes(fairlead::version().data(), is_journal ? "<2>" : "");
  try {
    return fairlead::run(fairlead::Program::of_this_process(argc, argv));
  } catch (const std::system_error& failure) {
    return fairlead::fail({fairlead::advised(failure), fairlead::kExitRuntimeFailure});
  } catch (const std::exception& failure) {
    return fairlead::fail({failure.what(), fairlead::kExitRuntimeFailure});
  }
}
