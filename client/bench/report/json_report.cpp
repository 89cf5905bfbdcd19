#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "client/bench/report/report_facts.hpp"
#include "client/bench/report/reports.hpp"
#include "client/bench/stats/figures.hpp"
#include "common/base/hex.hpp"

namespace fairlead {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "fairlead-bench/1";

template <class Kind, std::size_t Kinds>
Json kinds_of(const std::array<std::uint64_t, Kinds>& counts) {
  Json object = Json::object();
  for (std::size_t i = 0; i < Kinds; ++i)
    object[std::string(name_of(static_cast<Kind>(i)))] = counts[i];
  return object;
}

Json counts_of(const BenchCounts& counts) {
  return {{"sent", counts.sent},
          {"done", counts.done},
          {"bytes_out", counts.bytes_out},
          {"bytes_in", counts.bytes_in},
          {"connects", counts.connects},
          {"errors", kinds_of<BenchError>(counts.errors)},
          {"connect_errors", kinds_of<BenchError>(counts.connect_errors)},
          {"mismatches", kinds_of<MismatchKind>(counts.mismatches)}};
}

Json ledger_of(const BenchResult& result) {
  const Ledger ledger = result.ledger();
  return {{"due", ledger.due},
          {"done", ledger.done},
          {"wrong", ledger.wrong},
          {"failed", ledger.failed},
          {"timed_out", ledger.timed_out},
          {"unfinished", ledger.unfinished},
          {"never_sent", kinds_of<Wait>(ledger.never_sent)}};
}

// Null where nothing was recorded.
template <class AnyHistogram>
Json histogram_of(const AnyHistogram& histogram) {
  if (histogram.count() == 0) return nullptr;
  Json quantiles = Json::object();
  for (const ReportedQuantile& quantile : kReportedQuantiles) {
    const auto value = supported_quantile(histogram, quantile.share);
    quantiles[std::string(quantile.name)] = value ? Json(*value) : Json(nullptr);
  }
  Json buckets = Json::array();
  histogram.each([&](std::uint64_t min, std::uint64_t max, std::uint64_t times) {
    buckets.push_back(Json::array({min, max, times}));
  });
  return {{"count", histogram.count()}, {"min", histogram.min()}, {"max", histogram.max()},
          {"mean", histogram.mean()},   {"quantiles", quantiles}, {"buckets", buckets}};
}

Json metrics_of(const BenchResult& result) {
  Json metrics = Json::object();
  const Histogram& latency = result.latency();
  for (const ReportedQuantile& quantile : kReportedQuantiles) {
    if (const auto value = supported_quantile(latency, quantile.share))
      metrics[std::string(quantile.name)] = *value;
  }
  if (latency.count() > 0) {
    metrics["max"] = latency.max();
    metrics["mean"] = latency.mean();
  }
  metrics["rate"] = result.rate();
  if (result.ended() > 0) metrics["errors"] = result.error_share();
  metrics["mismatch"] = result.tally.counts.all_mismatches();
  if (result.server && result.tally.counts.done > 0) metrics["cpu"] = result.server_cpu_us();
  return metrics;
}

Json mismatches_of(const std::vector<Mismatch>& first) {
  Json replies = Json::array();
  for (const Mismatch& wrong : first) {
    replies.push_back({{"kind", name_of(wrong.kind)},
                       {"number", wrong.number},
                       {"connection", wrong.connection},
                       {"of_connection", wrong.of_connection},
                       {"offset", wrong.offset},
                       {"shown_from", wrong.shown_from},
                       {"expected_hex", hex_of(wrong.expected)},
                       {"got_hex", hex_of(wrong.got)},
                       {"note", wrong.note}});
  }
  return replies;
}

Json configuration_of(const BenchResult& result) {
  Json options = Json::array();
  for (const auto& [option, value] : result.configuration)
    options.push_back({{"option", option}, {"value", value}});
  return options;
}

Json verdict_of(const Verdict& verdict) {
  return {{"belief", name_of(verdict.belief)}, {"reasons", verdict.reasons}};
}

Json thresholds_of(const BenchResult& result) {
  Json thresholds = Json::array();
  for (const ThresholdOutcome& outcome : result.thresholds) {
    thresholds.push_back({{"text", outcome.text},
                          {"value", std::isfinite(outcome.value) ? Json(outcome.value) : Json()},
                          {"met", outcome.met},
                          {"figure", outcome.figure},
                          {"note", outcome.note}});
  }
  return thresholds;
}

Json generator_of(const BenchResult& result) {
  Json threads = Json::array();
  for (const ThreadUse& use : result.threads)
    threads.push_back({{"cpu_seconds", use.cpu_seconds},
                       {"starved_seconds", use.starved_seconds},
                       {"wall_seconds", use.wall_seconds}});
  return {{"threads", threads},
          {"spins", result.spins},
          {"lateness", histogram_of(result.tally.lateness)},
          {"own_work", histogram_of(result.own_work)},
          {"held_by_inflight", result.tally.held[static_cast<std::size_t>(Wait::reply)]},
          {"held_by_connection", result.tally.held[static_cast<std::size_t>(Wait::connection)]},
          {"held_by_back_off", result.tally.held[static_cast<std::size_t>(Wait::back_off)]},
          {"held_by_socket", result.tally.held_by_socket},
          {"clock_step_ms", result.clock_step_ms}};
}

Json server_of(const std::optional<ServerUse>& server) {
  if (!server) return nullptr;
  return {{"pid", server->pid}, {"cpu_seconds", server->cpu_seconds}};
}

Json series_of(const BenchResult& result) {
  Json series = Json::array();
  for (const SeriesRow& row : result.series) {
    Json second = {{"second", row.second}, {"warmup", row.is_warmup}};
    second.update(counts_of(row.counts));
    second["connections_open"] = row.connections_open;
    second["p50"] = row.p50;
    second["p90"] = row.p90;
    second["p99"] = row.p99;
    second["max"] = row.max;
    series.push_back(std::move(second));
  }
  return series;
}

SavedReport saved_report(const Json& report) {
  SavedReport saved{.is_open_loop = report.at("loop").get<std::string>() == "open"};
  const Json& metrics = report.at("metrics");
  for (std::size_t i = 0; i < kCompareMetrics; ++i) {
    const auto found = metrics.find(std::string(name_of(static_cast<CompareMetric>(i))));
    if (found == metrics.end()) continue;
    // No run measures a negative number or NaN: their ratios would mislead.
    const double number = found->get<double>();
    if (!std::isfinite(number) || number < 0) throw std::out_of_range("a metric");
    saved.figures[i] = number;
  }
  return saved;
}

}  // namespace

std::string json_report(const BenchResult& result) {
  const Tally& tally = result.tally;
  const Json mismatches = mismatches_of(tally.first_mismatches);
  const Json report = {{"schema", kSchema},
                       {"version", result.version},
                       {"address", result.address},
                       {"addresses", result.addresses},
                       {"began", began_text(result)},
                       {"configuration", configuration_of(result)},
                       {"mode", name_of(result.mode)},
                       {"loop", result.is_open_loop ? "open" : "closed"},
                       {"intended_rate", result.intended_rate},
                       {"measured_seconds", result.measured_seconds},
                       {"interrupted", result.interrupted},
                       {"verdict", verdict_of(result.verdict)},
                       {"thresholds", thresholds_of(result)},
                       {"metrics", metrics_of(result)},
                       {"counts", counts_of(tally.counts)},
                       {"ledger", ledger_of(result)},
                       {"unfinished", tally.unfinished},
                       {"unsent", tally.all_never_sent()},
                       {"done_in_time", tally.done_in_time},
                       {"connections", result.connections},
                       {"connections_open", tally.connections_open},
                       {"connections_lost", tally.connections_lost},
                       {"first_mismatch", mismatches.empty() ? Json() : mismatches.front()},
                       {"first_mismatches", mismatches},
                       {"latency",
                        {{"intended", histogram_of(tally.intended)},
                         {"actual", histogram_of(tally.actual)},
                         {"connect", histogram_of(tally.connect)}}},
                       {"generator", generator_of(result)},
                       {"server", server_of(result.server)},
                       {"series", series_of(result)}};
  // ASCII only, so that it cannot control a terminal.
  return report.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string comparison_json(const Comparison& comparison, std::span<const std::string> failures) {
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  Json targets = Json::array();
  for (const Comparison::Target& target : comparison.targets) {
    Json medians = Json::object(), ratios = Json::object();
    for (std::size_t i = 0; i < kCompareMetrics; ++i) {
      const std::string name(name_of(static_cast<CompareMetric>(i)));
      if (target.medians[i]) medians[name] = number(*target.medians[i]);
      if (const auto& ratio = target.ratios[i]) {
        ratios[name] = {{"estimate", number(ratio->estimate)},
                        {"low", number(ratio->low)},
                        {"high", number(ratio->high)}};
      }
    }
    targets.push_back({{"name", target.name}, {"medians", medians}, {"ratios", ratios}});
  }
  const auto& drift = comparison.separate_drift;
  const Json report = {{"schema", "fairlead-bench-compare/1"},
                       {"rounds", comparison.rounds},
                       {"drift", drift ? Json(*drift) : Json()},
                       {"targets", targets},
                       {"failures", Json(std::vector(failures.begin(), failures.end()))}};
  return report.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

Result<SavedReport> read_json_report(std::string_view text) {
  const Json report = Json::parse(text, nullptr, false);
  if (!report.is_object()) return make_error("it is no JSON object");
  if (const auto schema = report.find("schema"); schema == report.end() || *schema != kSchema)
    return make_error("it is no report of `fairlead bench --json` (\"schema\" is not \"" +
                      std::string(kSchema) + "\")");
  try {
    return saved_report(report);
  } catch (const std::exception&) {
    return make_error("it says \"" + std::string(kSchema) + "\", but fields are missing or wrong");
  }
}

}  // namespace fairlead
