#include <array>
#include <utility>
#include <vector>

#include "client/bench/judge/comparison.hpp"
#include "client/bench/judge/result.hpp"
#include "client/bench/report/reports.hpp"
#include "client/cli/drawn_block.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/bench/bench_settings.hpp"
#include "client/commands/command.hpp"
#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

struct CompareFiles {
  ReportFile markdown, json;

  // kExitOk, or says which one cannot be opened or written.
  int failed() const {
    const int code = report_failed(markdown);
    const int other = report_failed(json);
    return code == kExitOk ? other : code;
  }
};

int conclude(const BenchCompareSettings& settings, const Comparison& comparison,
             CompareFiles& files, Encoding terminal) {
  std::vector<std::string> failures;
  for (const FailRule& rule : settings.rules)
    for (std::string& failure : rule.failures(comparison)) failures.push_back(std::move(failure));
  const bool stdout_is_taken = settings.markdown == "-" || settings.json == "-";
  const int where = stdout_is_taken ? 2 : 1;
  int code = print_report(comparison_text(comparison, columns_at(where)), terminal, where);
  if (files.markdown.is_wanted()) files.markdown.write(comparison_markdown(comparison));
  if (files.json.is_wanted()) files.json.write(comparison_json(comparison, failures));
  if (const int failed = files.failed(); failed != kExitOk) code = failed;
  if (code != kExitOk) return code;
  for (const std::string& failure : failures) code = report("", {kExitRegression, failure});
  return code;
}

// ---- Two files ----

SavedReport saved_report(const std::string& path) {
  auto report = read_json_report(contents_of("", path));
  if (!report) throw UsageError(shown(path) + ": " + report.error().what);
  return *std::move(report);
}

int compare_files(const BenchCompareSettings& settings, CompareFiles& files, Encoding terminal) {
  const SavedReport first = saved_report(settings.targets[0]);
  const SavedReport second = saved_report(settings.targets[1]);
  if (first.is_open_loop != second.is_open_loop)
    throw UsageError(
        "one of them is of an open loop and one of a closed one: they say nothing of each other");
  const std::array<ComparedTarget, 2> compared{
      {{settings.targets[0], {first.figures}}, {settings.targets[1], {second.figures}}}};
  Comparison comparison = compare(compared, 1);
  comparison.separate_drift = settings.drift;
  return conclude(settings, comparison, files, terminal);
}

// ---- Addresses, in turn ----

int compare_addresses(const BenchCompareSettings& settings, CompareFiles& files,
                      Encoding terminal) {
  std::vector<std::vector<Destination>> servers;
  for (const Endpoint& server : settings.servers) {
    const auto target = find_bench_target(server, settings.bench.family, settings.bench.load);
    if (!target) return report(server.text(), result_of(target.error()));
    servers.push_back(*target);
  }
  std::vector<ComparedTarget> compared;
  for (const std::string& target : settings.targets) compared.push_back({.name = target});

  Output err(2);
  const BenchView view = err.is_terminal() ? settings.bench.view : BenchView::none;
  std::size_t invalid_runs = 0;
  std::string why_invalid;  // the last of them
  const std::size_t runs = settings.rounds * servers.size();
  for (std::size_t run = 0; run < runs; ++run) {
    const std::size_t round = run / servers.size(), place = run % servers.size();
    // The order alternates, so that a drift over time cancels out.
    const std::size_t index = round % 2 == 0 ? place : servers.size() - 1 - place;
    const std::string& name = settings.targets[index];
    if (settings.bench.view != BenchView::none) {
      err.write("round " + std::to_string(round + 1) + " of " + std::to_string(settings.rounds) +
                ": " + escaped(name) + "\n");
    }
    BenchWatch watch(settings.bench.load, view, err, terminal);
    const BenchResult result = run_bench(settings.bench.load, servers[index], 0, watch);
    watch.end();
    if (result.interrupted) return kExitInterrupted;
    if (result.tally.connect.count() == 0) {
      return report(name, {kExitCannotConnect,
                           "cannot connect: no connection was made; is the server running?"});
    }
    const Verdict verdict = judge(result);
    if (verdict.belief == Belief::invalid) {
      ++invalid_runs;
      why_invalid = verdict.reasons.front();
    }
    compared[index].rounds.push_back(round_figures(result));
  }

  const int code = conclude(settings, compare(compared, settings.bench.load.seed), files, terminal);
  if (invalid_runs == 0) return code;
  report("", {kExitInvalidResult, std::to_string(invalid_runs) + " of " + std::to_string(runs) +
                                      " runs are invalid: " + why_invalid});
  return invalid_runs * 2 > runs ? kExitInvalidResult : code;
}

}  // namespace

std::string bench_compare_help() {
  return help_text(
      "Usage: fairlead bench compare [OPTIONS] ADDRESS ADDRESS...\n"
      "       fairlead bench compare [OPTIONS] OLD.json NEW.json\n"
      "Loads the addresses in turn, round by round, and tells how much of the first one's "
      "figures the\nothers' are, each with the interval that the rounds leave open. Two files "
      "of `fairlead bench --json`\nare compared as what they are: separate runs.\n\n",
      bench_compare_options(),
      "\nExamples:\n"
      "  fairlead bench compare -c 50 localhost:7878 localhost:6379\n"
      "  fairlead bench compare -r 20k --fail-if 'p99>+10%' --markdown table.md :7878 :7879\n"
      "\nExit status: as of bench; 97 a --fail-if is so, 98 most of the runs are invalid.\n");
}

int run_bench_compare(const Words& arguments, const TerminalLocale& locale) {
  const BenchCompareSettings settings = bench_compare_settings(
      read_options("bench compare", bench_compare_options(), arguments), locale);
  CompareFiles files{ReportFile(settings.markdown), ReportFile(settings.json)};
  if (const int failed = files.failed(); failed != kExitOk) return failed;
  return settings.servers.empty() ? compare_files(settings, files, locale.encoding)
                                  : compare_addresses(settings, files, locale.encoding);
}

}  // namespace fairlead
