#include "client/bench/report/report_facts.hpp"

#include <array>
#include <cmath>

#include "client/bench/stats/figures.hpp"
#include "client/bench/stats/hex_dump.hpp"
#include "client/cli/amounts.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string of_the_time(const ThreadUse& thread) {
  return thread.wall_seconds > 0 ? share_figure(thread.cpu_seconds / thread.wall_seconds) : "-";
}

// "120 (0.24 %): reset 100, reply_timeout 20"; "none".
template <class Kind, std::size_t Kinds>
std::string kinds_text(const std::array<std::uint64_t, Kinds>& counts, std::uint64_t all,
                       std::uint64_t ended) {
  if (all == 0) return "none";
  std::string text = count_figure(all);
  const double share = static_cast<double>(all) / static_cast<double>(ended);
  if (share >= 0.0001) text += " (" + share_figure(share) + ")";  // below, it would read 0
  std::string_view gap = ": ";
  for (std::size_t i = 0; i < Kinds; ++i) {
    if (counts[i] == 0) continue;
    text.append(gap).append(name_of(static_cast<Kind>(i))).append(" ") += count_figure(counts[i]);
    gap = ", ";
  }
  return text;
}

std::string achieved_text(const BenchResult& result) {
  const std::string rate = rate_figure(result.rate());
  if (!result.is_open_loop || result.intended_rate <= 0) return rate;
  return rate + " of " + rate_figure(result.intended_rate) + " intended (" +
         share_figure(result.rate() / result.intended_rate) + ")";
}

std::string traffic_text(std::uint64_t bytes, double seconds) {
  const std::string all = size_text(bytes);
  return seconds > 0 ? all + ", " + rate_text(bytes / seconds) : all;
}

std::string own_cpu_text(const BenchResult& result) {
  if (result.spins) return "not told: the threads never sleep";
  std::string text;
  for (const ThreadUse& thread : result.threads) {
    text += (text.empty() ? "" : ", ") + of_the_time(thread);
  }
  text += result.threads.size() > 1 ? " of a core (a thread each)" : " of a core";
  if (result.own_work.count() == 0) return text;
  return text + "; up to " + time_figure(result.own_work.quantile(0.99)) +
         " of a latency is that (p99)";
}

std::string server_cpu_text(const BenchResult& result) {
  const ServerUse& server = *result.server;
  std::string text;
  if (result.tally.counts.done > 0) {
    std::string operation(operations_of(result.mode));
    operation.pop_back();
    text = time_figure(result.server_cpu_us()) + " a " + operation + ", ";
  }
  if (result.measured_seconds > 0)
    text += share_figure(server.cpu_seconds / result.measured_seconds) + " of a core ";
  return text + "(process " + std::to_string(server.pid) + ")";
}

std::string schedule_text(const BenchResult& result) {
  const Tally& tally = result.tally;
  std::string text = "p99 " + time_figure(tally.lateness.quantile(0.99)) + ", max " +
                     time_figure(tally.lateness.max()) + " late";
  const std::string held = waits_text(tally.held);
  return held.empty() ? text : text + "; of those due before they could be sent, " + held;
}

std::string connections_text(const BenchResult& result) {
  const Tally& tally = result.tally;
  return count_figure(tally.connections_open) + " of " + count_figure(result.connections) +
         " open at the end, " + count_figure(tally.counts.connects) + " made, " +
         count_figure(tally.connections_lost) + " lost";
}

std::string messages_text(const BenchResult& result) {
  const Ledger ledger = result.ledger();
  std::string text = count_figure(ledger.due) + (result.is_open_loop ? " due: " : " begun: ") +
                     count_figure(ledger.done) + " done";
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0) text.append(", ").append(count_figure(count)).append(what);
  };
  add(ledger.wrong, " wrong");
  add(ledger.failed, " failed");
  add(ledger.timed_out, " timed out");
  add(ledger.unfinished, " unfinished");
  add(result.tally.all_never_sent(), " never sent");
  const std::string waits = waits_text(ledger.never_sent);
  return waits.empty() ? text : text + " (" + waits + ")";
}

// What a name stood for; empty: the user named the address. A path may hold anything.
std::string addresses_text(const BenchResult& result) {
  constexpr std::size_t kShown = 8;
  const std::vector<std::string>& all = result.addresses;
  if (all.empty() || (all.size() == 1 && all.front() == result.address)) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + escaped(all[i]);
  if (all.size() > kShown) text += " and " + count_figure(all.size() - kShown) + " more";
  return text;
}

std::string cell_of(const Histogram& histogram, double share) {
  const std::optional<std::uint64_t> value = supported_quantile(histogram, share);
  return value ? time_figure(*value) : "-";
}

}  // namespace

std::string_view operations_of(BenchMode mode) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"messages", "connections", "greetings",
                                                   "downloads", "connections"};
  return kNames[static_cast<std::size_t>(mode)];
}

std::string loop_text(const BenchResult& result) {
  const std::string time = time_figure(result.measured_seconds * 1e6);
  const std::string over = count_figure(result.connections) +
                           (result.connections == 1 ? " connection" : " connections") + ", for " +
                           time;
  const std::string so_far = result.interrupted ? ", then interrupted" : "";
  if (result.mode == BenchMode::idle) return "idle: " + over + so_far;
  if (!result.is_open_loop) return "closed loop: as fast as replies come over " + over + so_far;
  return "open loop: " + count_text(result.intended_rate) + " " +
         std::string(operations_of(result.mode)) + " a second were due over " + over + so_far;
}

std::string loop_meaning(const BenchResult& result) {
  if (result.latency().count() == 0) return "";
  return result.is_open_loop
             ? "Latency from the intended time includes what waited behind a stall; from the time "
               "of sending it does not."
             : "A closed loop stops sending while the server stalls: these latencies hide stalls. "
               "An open loop (--rate) shows them.";
}

std::string began_text(const BenchResult& result) {
  return utc_text(std::chrono::system_clock::to_time_t(result.began));
}

std::vector<Fact> facts_of(const BenchResult& result) {
  const Tally& tally = result.tally;
  const BenchCounts& counts = tally.counts;
  const std::uint64_t errors = counts.all_errors(), mismatches = counts.all_mismatches();
  const std::uint64_t tries = counts.all_connect_errors();
  std::vector<Fact> facts;
  if (result.mode != BenchMode::idle) {
    facts.push_back({"rate", achieved_text(result)});
    facts.push_back({std::string(operations_of(result.mode)), messages_text(result)});
  }
  const std::uint64_t ended = result.ledger().ended();
  facts.push_back({"errors", kinds_text<BenchError>(counts.errors, errors, ended)});
  if (tries > 0) {
    facts.push_back({"not connected", kinds_text<BenchError>(counts.connect_errors, tries,
                                                             tries + counts.connects)});
  }
  facts.push_back({"mismatches", kinds_text<MismatchKind>(counts.mismatches, mismatches,
                                                          ended + counts.unasked())});
  facts.push_back({"sent", traffic_text(counts.bytes_out, result.measured_seconds)});
  facts.push_back({"received", traffic_text(counts.bytes_in, result.measured_seconds)});
  if (result.mode != BenchMode::conn) facts.push_back({"connections", connections_text(result)});
  if (const std::string addresses = addresses_text(result); !addresses.empty())
    facts.push_back({"addresses", addresses});
  if (result.is_open_loop) facts.push_back({"schedule", schedule_text(result)});
  if (!result.threads.empty()) facts.push_back({"own CPU", own_cpu_text(result)});
  if (result.server) facts.push_back({"server CPU", server_cpu_text(result)});
  return facts;
}

std::vector<NamedHistogram> latencies_of(const BenchResult& result) {
  const Tally& tally = result.tally;
  std::vector<NamedHistogram> latencies;
  if (tally.intended.count() > 0) latencies.push_back({"from intended", tally.intended});
  if (tally.actual.count() > 0)
    latencies.push_back({result.is_open_loop ? "from sent" : "latency", tally.actual});
  return latencies;
}

LatencyTable latency_table(const BenchResult& result) {
  std::vector<NamedHistogram> shown = latencies_of(result);
  if (result.tally.connect.count() > 0) shown.push_back({"to connect", result.tally.connect});
  LatencyTable table;
  for (const NamedHistogram& latency : shown) table.columns.emplace_back(latency.name);
  const auto add_row = [&](std::string_view name, auto&& cell) {
    LatencyTable::Row row{.name = std::string(name), .cells = {}};
    for (const NamedHistogram& latency : shown) row.cells.push_back(cell(latency.histogram));
    for (const std::string& text : row.cells) table.has_gaps = table.has_gaps || text == "-";
    table.rows.push_back(std::move(row));
  };
  if (shown.empty()) return table;
  for (const ReportedQuantile& quantile : kReportedQuantiles) {
    add_row(quantile.name, [&](const Histogram& h) { return cell_of(h, quantile.share); });
  }
  add_row("max", [](const Histogram& h) { return time_figure(h.max()); });
  add_row("mean", [](const Histogram& h) { return time_figure(h.mean()); });
  add_row("samples", [](const Histogram& h) { return count_figure(h.count()); });
  return table;
}

std::string found_text(const ThresholdOutcome& outcome) {
  const std::string figure = escaped(outcome.figure), note = escaped(outcome.note);
  return figure.empty() || note.empty() ? figure + note : figure + ": " + note;
}

std::vector<WrongReply> wrong_replies(const BenchResult& result) {
  std::vector<WrongReply> replies;
  for (const Mismatch& wrong : result.tally.first_mismatches) {
    const std::string connection = std::to_string(wrong.connection);
    std::string line = "reply " + count_figure(wrong.number) + " (number " +
                       count_figure(wrong.of_connection) + " of connection " + connection +
                       "): wrong " + std::string(name_of(wrong.kind)) + ", from byte " +
                       count_figure(wrong.offset) + " on";
    if (wrong.kind == MismatchKind::unasked)
      line = "bytes that nobody asked for, on connection " + connection;
    if (!wrong.note.empty()) line += ": " + escaped(wrong.note);
    replies.push_back({.line = std::move(line), .diff = hex_diff(wrong)});
  }
  return replies;
}

}  // namespace fairlead
