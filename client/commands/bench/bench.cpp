// fairlead bench: a load test that judges itself.
#include "client/bench/judge/result.hpp"
#include "client/bench/report/reports.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "client/bench/workload/load.hpp"
#include "client/cli/drawn_block.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/bench/bench_machine.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/bench/bench_settings.hpp"
#include "client/commands/command.hpp"
#include "common/base/build_info.hpp"

namespace fairlead {
namespace {

int check(const BenchRunSettings& settings, const std::vector<Destination>& servers,
          Encoding terminal) {
  std::string lines;
  bool suffices = true;
  for (const BenchNeed& need : bench_needs(settings.bench.load, bench_facts(servers))) {
    lines += need_line(need) + '\n';
    suffices = suffices && need.suffices();
  }
  const int written = print_report(lines, terminal, 1);
  return written != kExitOk ? written : suffices ? kExitOk : kExitUsage;
}

// No connection was made: reports the main reason.
int say_nobody_answered(const BenchResult& result) {
  const BenchCounts& counts = result.tally.counts;
  if (counts.of(BenchError::connect_timeout) >
      counts.of(BenchError::refused) + counts.of(BenchError::unreachable)) {
    return report(result.address,
                  {kExitTimeout,
                   "no connection was made in time; check the address, or give more "
                   "--connect-timeout"});
  }
  return report(result.address, {kExitCannotConnect,
                                 "cannot connect: no connection was made; is the server running, "
                                 "and is this its port?"});
}

int exit_code_of(const BenchRunSettings& settings, const BenchResult& result) {
  if (result.interrupted) return kExitInterrupted;
  if (result.tally.connect.count() == 0) return say_nobody_answered(result);
  if (result.verdict.belief == Belief::invalid) return kExitInvalidResult;
  for (const ThresholdOutcome& outcome : result.thresholds)
    if (!outcome.met) return kExitThresholdMissed;
  const bool is_wrong = result.tally.counts.all_mismatches() > 0 && !settings.judges_mismatches;
  const bool has_failed = result.errors() > 0 && !settings.judges_errors;
  const bool is_bad = is_wrong || has_failed || result.has_left_undone();
  return is_bad ? kExitUnexpectedReply : kExitOk;
}

struct ReportFiles {
  ReportFile json, csv, html;

  // kExitOk, or says which one cannot be opened or written.
  int failed() const {
    int code = kExitOk;
    for (const ReportFile* const file : {&json, &csv, &html})
      if (const int failure = report_failed(*file); failure != kExitOk) code = failure;
    return code;
  }
};

int write_reports(const BenchRunSettings& settings, const BenchResult& result, ReportFiles& files,
                  Encoding terminal) {
  const bool stdout_is_taken = settings.json == "-" || settings.csv == "-" || settings.html == "-";
  const int where = stdout_is_taken ? 2 : 1;
  const bool is_told = !stdout_is_taken || settings.bench.view != BenchView::none;
  const int failed =
      is_told ? print_report(text_report(result, columns_at(where)), terminal, where) : kExitOk;
  if (files.json.is_wanted()) files.json.write(json_report(result));
  if (files.csv.is_wanted()) files.csv.write(csv_report(result));
  if (files.html.is_wanted()) files.html.write(html_report(result));
  const int code = files.failed();
  return code == kExitOk ? failed : code;
}

int run(const BenchRunSettings& settings, Encoding terminal) {
  const Load& load = settings.bench.load;
  const auto target = find_bench_target(settings.server, settings.bench.family, load);
  if (!target) return report(settings.address, result_of(target.error()));
  if (settings.only_checks) return check(settings, *target, terminal);
  if (settings.only_shows) return show_exchange(load, *target, terminal);
  ReportFiles files{ReportFile(settings.json), ReportFile(settings.csv), ReportFile(settings.html)};
  if (const int failed = files.failed(); failed != kExitOk) return failed;
  Output err(2);
  BenchWatch watch(load, settings.bench.view, err, terminal);
  BenchResult result = run_bench(load, *target, settings.pid, watch, settings.abort_on);
  watch.end();
  result.address = settings.address;
  result.version = version();
  result.configuration = settings.bench.configuration;
  result.verdict = judge(result);
  for (const Threshold& threshold : settings.thresholds)
    result.thresholds.push_back(threshold.judge(result));
  if (result.aborted_by) {
    result.thresholds.push_back(*result.aborted_by);
    result.thresholds.back().text.insert(0, "abort-on ");
  }
  const int written = write_reports(settings, result, files, terminal);
  return written != kExitOk ? written : exit_code_of(settings, result);
}

}  // namespace

std::string bench_help() {
  return help_text(
      "Usage: fairlead bench [OPTIONS] ADDRESS\n"
      "       fairlead bench compare [OPTIONS] ADDRESS ADDRESS...   (fairlead bench compare "
      "--help)\n"
      "Loads any TCP server, checks every reply, and says whether its own figures can be "
      "believed.\n\n",
      bench_options(),
      "\nExamples:\n"
      "  fairlead bench -c 50 -d 10s localhost\n"
      "  fairlead bench -r 20k --threshold 'p99<5ms' --html run.html localhost\n"
      "  fairlead bench -m 'PING\\r\\n' --expect '+PONG\\r\\n' localhost:6379\n"
      "  fairlead bench --protocol framed --stage 10s@1k,30s@5k -s 10-2000 localhost\n"
      "  fairlead bench --idle -c 10k -d 1m --source 127.0.0.0/24 127.0.0.1:7878\n"
      "\nExit status: 0 ok, 1 a reply was wrong or an operation failed, 2 usage, or the machine "
      "has too\nlittle for it, 6 name not resolved, 7 cannot connect, 23 cannot write, 28 "
      "timeout, 98 "
      "the result\nis invalid, 99 a threshold is missed, 130 Ctrl-C.\n");
}

int run_bench_command(const Words& arguments, const TerminalLocale& locale) {
  try {
    if (!arguments.empty() && arguments.front() == "compare")
      return run_bench_compare({arguments.begin() + 1, arguments.end()}, locale);
    return run(bench_run_settings(read_options("bench", bench_options(), arguments), locale),
               locale.encoding);
  } catch (const SettingError& error) {
    throw UsageError("bench: " + std::string(error.what()));
  }
}

}  // namespace fairlead
