#include <algorithm>
#include <fstream>
#include <sstream>

#include "client/bench/judge/comparison.hpp"
#include "client/bench/judge/verdict.hpp"
#include "client/bench/report/reports.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/bench/bench_run.hpp"
#include "client/commands/bench/bench_settings.hpp"
#include "client/commands/bench/bench_watch.hpp"
#include "client/commands/command.hpp"
#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

// ---- Addresses, in turn ----

class CompareRun {
 public:
  CompareRun(const BenchCompareSettings& settings, Encoding terminal)
      : settings_(settings), terminal_(terminal) {
    for (const std::string& target : settings.targets) compared_.push_back({.name = target});
  }

  // Returns an exit code; if it is not 0, the reason was reported.
  int run() {
    for (const Endpoint& server : settings_.servers) {
      const auto target = find_bench_target(server, settings_.bench.family, settings_.bench.load);
      if (!target) return report(server.text(), result_of(target.error()));
      destinations_.push_back(*target);
    }
    for (std::uint64_t round = 0; round < settings_.rounds; ++round) {
      for (std::size_t place = 0; place < destinations_.size(); ++place) {
        // The order alternates, so that a drift over time cancels out.
        const std::size_t index = round % 2 == 0 ? place : destinations_.size() - 1 - place;
        if (const int code = load(round, index); code != kExitOk) return code;
      }
    }
    return kExitOk;
  }

  Comparison comparison() const { return compare(compared_, settings_.bench.load.seed); }
  std::size_t invalid_runs() const { return invalid_runs_; }
  const std::string& why_invalid() const { return why_invalid_; }

 private:
  int load(std::uint64_t round, std::size_t index) {
    const std::string& name = settings_.targets[index];
    if (!settings_.bench.quiet) {
      err_.write("round " + std::to_string(round + 1) + " of " + std::to_string(settings_.rounds) +
                 ": " + escaped(name) + "\n");
    }
    BenchSettings watched = settings_.bench;
    watched.quiet = watched.quiet || !err_.is_terminal();
    BenchWatch watch(watched, err_, terminal_);
    const BenchResult result = run_bench(settings_.bench.load, destinations_[index], 0, watch);
    watch.end();
    if (result.interrupted) return kExitInterrupted;
    if (result.tally.connect.count() == 0) {
      return report(name, {kExitCannotConnect,
                           "cannot connect: no connection was made; is the server running?"});
    }
    const Verdict verdict = judge(result);
    if (verdict.belief == Belief::invalid) {
      ++invalid_runs_;
      why_invalid_ = verdict.reasons.empty() ? "" : verdict.reasons.front();
    }
    compared_[index].rounds.push_back(round_figures(result));
    return kExitOk;
  }

  const BenchCompareSettings& settings_;
  const Encoding terminal_;
  Output err_{2};
  std::vector<Destination> destinations_;
  std::vector<ComparedTarget> compared_;
  std::size_t invalid_runs_ = 0;
  std::string why_invalid_;  // the last of them
};

// ---- Two files ----

SavedReport saved_report(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) throw UsageError(shown(path) + ": cannot be read; check its name and its mode");
  auto report = read_json_report(text.str());
  if (!report) throw UsageError(shown(path) + ": " + report.error().what);
  return *std::move(report);
}

ComparedTarget compared(const std::string& path, const SavedReport& saved) {
  ComparedTarget target{.name = path, .rounds = {RoundFigures{}}};
  for (std::size_t i = 0; i < kCompareMetrics; ++i) {
    const auto found = saved.metrics.find(std::string(name_of(static_cast<CompareMetric>(i))));
    if (found != saved.metrics.end()) target.rounds.front()[i] = found->second;
  }
  return target;
}

Comparison compare_files(const BenchCompareSettings& settings) {
  const SavedReport first = saved_report(settings.targets[0]);
  const SavedReport second = saved_report(settings.targets[1]);
  if (first.is_open_loop != second.is_open_loop)
    throw UsageError(
        "one of them is of an open loop and one of a closed one: they say nothing of each other");
  return compare_separate(compared(settings.targets[0], first),
                          compared(settings.targets[1], second), settings.drift);
}

int conclude(const BenchCompareSettings& settings, const Comparison& comparison,
             Encoding terminal) {
  const bool stdout_is_taken = settings.markdown == "-";
  Output out(stdout_is_taken ? 2 : 1);
  out.write(in_encoding(comparison_text(comparison), terminal));
  if (!out.error().empty())
    return report("", {kExitCannotWrite, "cannot write the comparison: " + out.error()});
  if (!settings.markdown.empty()) {
    const std::string error = write_file(settings.markdown, comparison_markdown(comparison));
    if (!error.empty())
      return report(settings.markdown, {kExitCannotWrite, "cannot write the report: " + error});
  }
  int code = kExitOk;
  for (const FailRule& rule : settings.rules)
    for (const std::string& failure : rule.failures(comparison))
      code = report("", {kExitRegression, failure});
  return code;
}

}  // namespace

std::string bench_compare_help() {
  std::ostringstream out;
  out << "Usage: fairlead bench compare [OPTIONS] ADDRESS ADDRESS...\n"
         "       fairlead bench compare [OPTIONS] OLD.json NEW.json\n"
         "Loads the addresses in turn, round by round, and tells how much of the first one's "
         "figures the\nothers' are, each with the interval that the rounds leave open. Two files "
         "of "
         "`fairlead bench --json`\nare compared as what they are: separate runs.\n\n"
      << bench_compare_options()
      << "\nExamples:\n"
         "  fairlead bench compare -c 50 localhost:7878 localhost:6379\n"
         "  fairlead bench compare -r 20k --fail-if 'p99>+10%' --markdown table.md :7878 :7879\n"
         "\nExit status: as of bench; 97 a --fail-if is so, 98 most of the runs are invalid.\n";
  return out.str();
}

int run_bench_compare(const Words& arguments, const TerminalLocale& locale) {
  const BenchCompareSettings settings = bench_compare_settings(
      read_options("bench compare", bench_compare_options(), arguments), locale);
  if (settings.servers.empty()) return conclude(settings, compare_files(settings), locale.encoding);
  CompareRun run(settings, locale.encoding);
  if (const int code = run.run(); code != kExitOk) return code;
  const int code = conclude(settings, run.comparison(), locale.encoding);
  const std::size_t runs = settings.rounds * settings.targets.size();
  if (run.invalid_runs() == 0) return code;
  const std::string line = std::to_string(run.invalid_runs()) + " of " + std::to_string(runs) +
                           " runs are invalid: " + run.why_invalid();
  const bool most_are_invalid = run.invalid_runs() * 2 > runs;
  report("", {kExitInvalidResult, line});
  return most_are_invalid ? kExitInvalidResult : code;
}

}  // namespace fairlead
