#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "client/bench/judge/result.hpp"
#include "client/bench/stats/figures.hpp"

namespace fairlead {
namespace {

constexpr double kBusyDoubtful = 0.80, kBusyInvalid = 0.95;  // of the time
constexpr double kStarvedDoubtful = 0.10, kStarvedInvalid = 0.30;
constexpr double kShareSeconds = 1;  // in a shorter run no share is INVALID
// An idle machine wakes a thread within 0.1 ms, a busy one within 1 ms.
constexpr double kLatenessFloor = 1'000;                             // microseconds
constexpr double kLatenessDoubtful = 0.10, kLatenessInvalid = 0.50;  // of what is reported
constexpr double kOwnWorkDoubtful = 0.50;                            // of what is reported
constexpr double kWorstLatenessFloor = 50'000;                       // microseconds
constexpr double kUnsentMax = 0.05;                                  // of what was due
constexpr double kClockStepMs = 10;

struct Finding {
  Belief belief;
  std::string reason;
};
using Rule = std::optional<Finding> (*)(const BenchResult&);

// Empty below `doubtful`.
std::optional<Belief> belief_of(double value, double doubtful, double invalid) {
  if (value >= invalid) return Belief::invalid;
  if (value >= doubtful) return Belief::doubtful;
  return std::nullopt;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double quantile_of(const auto& histogram, double share) {
  return static_cast<double>(histogram.quantile(share));
}

std::optional<Finding> nothing_completed(const BenchResult& result) {
  if (result.mode == BenchMode::idle) {
    if (result.tally.connect.count() > 0) return {};
    return Finding{Belief::invalid,
                   "no connection was made: " + count_figure(result.errors()) + " errors"};
  }
  const Ledger ledger = result.ledger();
  if (ledger.done > 0) return {};
  const std::uint64_t wrong = result.tally.counts.all_mismatches();
  const std::uint64_t errors = result.errors() + result.tally.counts.all_connect_errors();
  // A server that fails has been measured; a test that asked for nothing has measured nothing.
  const bool is_failing = ledger.due + wrong + errors > 0;
  return Finding{is_failing ? Belief::doubtful : Belief::invalid,
                 "no operation was completed: " + count_figure(errors) + " errors, " +
                     count_figure(wrong) + " wrong replies"};
}

double busy_share(const ThreadUse& thread) { return thread.share(thread.cpu_seconds); }
double starved_share(const ThreadUse& thread) { return thread.share(thread.starved_seconds); }

// "thread 2 of 4 of the test DID 81.0 % WHY", for the thread with the greatest share.
std::optional<Finding> worst_thread(const BenchResult& result, double (*share_of)(const ThreadUse&),
                                    double doubtful, double invalid, const std::string& did,
                                    const std::string& why) {
  const auto worst = std::ranges::max_element(result.threads, {}, share_of);
  if (worst == result.threads.end()) return {};
  const auto belief = belief_of(share_of(*worst), doubtful, invalid);
  if (!belief) return {};
  // In a short run a moment of other processes is already a large share.
  const bool is_long_enough = worst->wall_seconds >= kShareSeconds;
  const auto number = static_cast<std::uint64_t>(worst - result.threads.begin() + 1);
  return Finding{is_long_enough ? *belief : Belief::doubtful,
                 "thread " + count_figure(number) + " of " + count_figure(result.threads.size()) +
                     " of the test " + did + ' ' + share_figure(share_of(*worst)) + ' ' + why};
}

std::optional<Finding> processor(const BenchResult& result) {
  if (result.spins) return {};
  return worst_thread(result, busy_share, kBusyDoubtful, kBusyInvalid, "used",
                      "of a core: it measures itself, and more threads may help");
}

std::optional<Finding> starved(const BenchResult& result) {
  return worst_thread(result, starved_share, kStarvedDoubtful, kStarvedInvalid,
                      "waited for a core for",
                      "of the time: others use the processor, or it is limited");
}

std::optional<Finding> lateness(const BenchResult& result) {
  const double late = quantile_of(result.tally.lateness, 0.99);
  const double reported = quantile_of(result.latency(), 0.99);
  if (!result.is_open_loop || late <= kLatenessFloor || late <= kLatenessDoubtful * reported)
    return {};
  // Among few messages a single delayed one is already one in a hundred.
  const bool are_enough = result.tally.lateness.count() >= samples_needed(0.99);
  const bool is_ours = are_enough && late > kLatenessInvalid * reported;
  return Finding{is_ours ? Belief::invalid : Belief::doubtful,
                 "one message in a hundred was sent " + time_figure(late) +
                     " late or later, for no reason of the server's; the p99 reported is " +
                     time_figure(reported)};
}

std::optional<Finding> worst_lateness(const BenchResult& result) {
  const auto worst = static_cast<double>(result.tally.lateness.max());
  const auto reported = static_cast<double>(result.latency().max());
  if (!result.is_open_loop || worst <= kWorstLatenessFloor || worst <= kLatenessDoubtful * reported)
    return {};
  return Finding{Belief::doubtful, "a message was sent " + time_figure(worst) +
                                       " late, for no reason of the server's; the maximum "
                                       "reported is " +
                                       time_figure(reported)};
}

// A wake-up serves one connection after the other, so a reply that has come is read when those
// before it are done with. What is known is a bound: half of it is usual.
std::optional<Finding> own_work(const BenchResult& result) {
  const double bound = quantile_of(result.own_work, 0.99);
  const double reported = quantile_of(result.latency(), 0.99);
  if (bound <= kLatenessFloor || bound <= kOwnWorkDoubtful * reported) return {};
  return Finding{Belief::doubtful, "up to " + time_figure(bound) +
                                       " of a latency (p99) are the test's own work on what came "
                                       "with it; the p99 reported is " +
                                       time_figure(reported) + ", and more threads may help"};
}

std::optional<Finding> left_unsent(const BenchResult& result) {
  const Ledger ledger = result.ledger();
  const std::uint64_t late = ledger.never_sent[static_cast<std::size_t>(Wait::test)];
  if (share(late, ledger.due) <= kUnsentMax) return {};
  return Finding{Belief::invalid, "the test was too late to send " + count_figure(late) + " of " +
                                      count_figure(ledger.due) +
                                      " due messages, though their connections were free"};
}

std::optional<Finding> own_failures(const BenchResult& result) {
  const BenchCounts& counts = result.tally.counts;
  const std::uint64_t ports = counts.of(BenchError::no_port);
  const std::uint64_t descriptors = counts.of(BenchError::no_descriptor);
  const std::uint64_t others = counts.of(BenchError::other);
  const std::uint64_t all = ports + descriptors + others;
  if (all == 0) return {};
  // Failed tries to connect are no operations.
  const std::uint64_t tries = result.ledger().ended() + counts.all_connect_errors();
  const bool are_many = share(all, tries) > kNoticeable;
  return Finding{are_many ? Belief::invalid : Belief::doubtful,
                 "the test itself failed " + count_figure(all) + " times: no port left " +
                     count_figure(ports) + ", no descriptor left " + count_figure(descriptors) +
                     ", other " + count_figure(others)};
}

// "ABOUT 1,234 of 50,000 (2.47 %) messages DID", if that is a noticeable part of those sent.
std::optional<Finding> noticeable(const BenchResult& result, std::uint64_t part, Belief belief,
                                  const std::string& about, const std::string& did) {
  const std::uint64_t sent = result.tally.counts.sent;
  if (share(part, sent) <= kNoticeable) return {};
  return Finding{belief, about + count_figure(part) + " of " + count_figure(sent) + " (" +
                             share_figure(share(part, sent)) + ") messages " + did};
}

std::optional<Finding> held_by_socket(const BenchResult& result) {
  return noticeable(result, result.tally.held_by_socket, Belief::doubtful, "",
                    "found the socket full: the server or the network did not take them as fast as "
                    "they were sent");
}

std::optional<Finding> unfinished(const BenchResult& result) {
  if (result.has_gone_silent()) {
    std::string text = "the server stopped answering";
    if (result.last_received_seconds > 0)
      text += " " + time_figure(result.last_received_seconds * 1e6) + " after the load began";
    return Finding{Belief::valid,
                   text + ": " + count_figure(result.tally.unfinished) +
                       " messages have no reply, and " +
                       count_figure(result.tally.all_never_sent()) +
                       " due ones were never sent; they count with the time for which they waited"};
  }
  return noticeable(
      result, result.tally.unfinished, Belief::doubtful, "",
      "had neither reply nor error at the end, and count with the time for which they "
      "had waited");
}

std::optional<Finding> clock_step(const BenchResult& result) {
  const double step = std::abs(result.clock_step_ms);
  if (step <= kClockStepMs) return {};
  return Finding{Belief::doubtful, "the clock was set by " + time_figure(step * 1e3) +
                                       " during the run, which also moves processes about"};
}

std::optional<Finding> few_samples(const BenchResult& result) {
  if (result.mode == BenchMode::idle || result.tally.counts.done == 0) return {};
  const std::uint64_t count = result.latency().count();
  const bool are_too_few = count < samples_needed(0.99);
  if (!are_too_few && count >= samples_needed(0.999)) return {};
  return Finding{are_too_few ? Belief::doubtful : Belief::valid,
                 "a " + std::string(are_too_few ? "p99" : "p99.9") + " needs " +
                     count_figure(samples_needed(are_too_few ? 0.99 : 0.999)) +
                     " values, and there are " + count_figure(count)};
}

std::optional<Finding> not_held(const BenchResult& result) {
  if (result.mode != BenchMode::idle || !result.has_left_undone()) return {};
  return Finding{Belief::valid, count_figure(result.connections_missing()) + " of " +
                                    count_figure(result.connections) +
                                    " connections were not open at the end"};
}

std::optional<Finding> failures(const BenchResult& result) {
  const bool is_all = result.tally.counts.done + result.tally.counts.connects == 0;
  const bool is_idle = result.mode == BenchMode::idle;
  if (result.error_share() <= kNoticeable || is_all || is_idle) return {};
  return Finding{Belief::valid, count_figure(result.errors()) + " of " +
                                    count_figure(result.ended()) + " (" +
                                    share_figure(result.error_share()) +
                                    ") operations failed: but for those that timed out they are in "
                                    "no percentile"};
}

std::optional<Finding> never_sent(const BenchResult& result) {
  const Ledger ledger = result.ledger();
  const std::uint64_t count = result.tally.all_never_sent();
  if (share(count, ledger.due) <= kNoticeable || result.has_gone_silent()) return {};
  return Finding{Belief::valid,
                 count_figure(count) + " of " + count_figure(ledger.due) + " (" +
                     share_figure(share(count, ledger.due)) +
                     ") due messages were never sent: " + waits_text(ledger.never_sent) +
                     "; they count with the time for which they waited"};
}

std::uint64_t held(const BenchResult& result, Wait wait) {
  return result.tally.held[static_cast<std::size_t>(wait)];
}

std::optional<Finding> held_by_replies(const BenchResult& result) {
  return noticeable(result, held(result, Wait::reply), Belief::valid,
                    "the server is too slow for the rate: ",
                    "were due while their connection waited for replies; a closed loop would have "
                    "sent them later and hidden their wait");
}

std::optional<Finding> held_by_connections(const BenchResult& result) {
  return noticeable(result, held(result, Wait::connection), Belief::valid, "",
                    "were due while there was no connection for them: the server had ended it, or "
                    "could not be connected to");
}

std::optional<Finding> held_by_pauses(const BenchResult& result) {
  return noticeable(
      result, held(result, Wait::back_off), Belief::doubtful, "",
      "were due while the test paused before it connected again after a failure: that "
      "pause is in their latency, and is not the server's");
}

std::optional<Finding> interrupted(const BenchResult& result) {
  if (result.aborted_by) {
    return Finding{Belief::valid, "ended by --abort-on " + result.aborted_by->text + ", after " +
                                      time_figure(result.measured_seconds * 1e6) +
                                      " of what is measured: it was " + result.aborted_by->figure};
  }
  if (!result.interrupted) return {};
  return Finding{Belief::valid, "interrupted by the user after " +
                                    time_figure(result.measured_seconds * 1e6) +
                                    " of what is measured"};
}

// The gravest first.
constexpr std::array<Rule, 19> kRules{nothing_completed, processor,       starved,
                                      lateness,          worst_lateness,  own_work,
                                      left_unsent,       own_failures,    held_by_socket,
                                      held_by_pauses,    unfinished,      clock_step,
                                      few_samples,       not_held,        failures,
                                      never_sent,        held_by_replies, held_by_connections,
                                      interrupted};

}  // namespace

Verdict judge(const BenchResult& result) {
  std::vector<Finding> findings;
  for (const Rule rule : kRules)
    if (auto finding = rule(result)) findings.push_back(std::move(*finding));
  std::ranges::stable_sort(findings, std::greater{}, &Finding::belief);

  Verdict verdict;
  if (!findings.empty()) verdict.belief = findings.front().belief;
  for (Finding& finding : findings) verdict.reasons.push_back(std::move(finding.reason));
  return verdict;
}

}  // namespace fairlead
