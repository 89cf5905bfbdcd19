// What the command line of `fairlead bench` asks for.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/bench/judge/comparison.hpp"
#include "client/bench/judge/threshold.hpp"
#include "client/bench/report/bench_watch.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/environment.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"

namespace fairlead {

// The settings that a run and a comparison share.
struct BenchSettings {
  Load load = {};
  AddressFamily family = AddressFamily::any;
  // The options as given, for the reports.
  std::vector<std::pair<std::string, std::string>> configuration = {};
  BenchView view = BenchView::automatic;  // none: --quiet
};

struct BenchRunSettings {
  BenchSettings bench = {};
  std::string address = {};  // as it was written
  Endpoint server = {};
  pid_t pid = 0;  // of the server; 0: not given
  std::vector<Threshold> thresholds = {};
  std::vector<Threshold> abort_on = {};  // ends the run as soon as one holds
  // A threshold does, so they have no exit code of their own.
  bool judges_mismatches = false, judges_errors = false;
  std::string json = {}, csv = {}, html = {};  // files; "-": stdout; empty: none
  bool only_checks = false;
  bool only_shows = false;  // --dry-run
};

struct BenchCompareSettings {
  BenchSettings bench = {};
  std::vector<std::string> targets = {};  // addresses, or two files of --json
  std::vector<Endpoint> servers = {};     // of the addresses; empty: the targets are files
  std::uint64_t rounds = 10;              // 2 or more
  double drift = 0;                       // files: a share that is allowed for
  std::vector<FailRule> rules = {};
  std::string markdown = {}, json = {};  // files; "-": stdout; empty: none
};

program_options::options_description bench_options();
program_options::options_description bench_compare_options();

// Throw UsageError and SettingError.
BenchRunSettings bench_run_settings(const ReadOptions& options, const TerminalLocale& locale);
BenchCompareSettings bench_compare_settings(const ReadOptions& options,
                                            const TerminalLocale& locale);

// Prints on stdout (1) or stderr (2). Returns kExitOk, or reports why it failed and returns the
// exit code.
int print_report(std::string_view text, Encoding terminal, int descriptor);
// kExitOk, or says why the file cannot be opened or written.
int report_failed(const ReportFile& file);

}  // namespace fairlead
