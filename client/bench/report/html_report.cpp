#include "client/bench/report/html_report.hpp"

#include "client/bench/report/bench_charts.hpp"
#include "client/bench/report/html_text.hpp"
#include "client/bench/report/page_style.hpp"
#include "client/bench/report/quantiles.hpp"
#include "client/bench/report/report_facts.hpp"
#include "client/bench/stats/figures.hpp"
#include "client/cli/amounts.hpp"

namespace fairlead {
namespace {

// `inside` is HTML, `attributes` stand as they are.
std::string element(std::string_view name, std::string_view inside,
                    std::string_view attributes = "") {
  std::string out = "<" + std::string(name);
  if (!attributes.empty()) out.append(" ").append(attributes);
  return out.append(">").append(inside).append("</").append(name).append(">\n");
}

std::string section(std::string_view title, std::string_view inside) {
  if (inside.empty()) return "";
  return element("section", element("h2", title).append(inside));
}

std::string quiet(std::string_view text) {
  return element("p", html_amount(text), "class=\"quiet\"");
}

std::string head(const BenchResult& result) {
  // Should anything of a peer ever become more than text, the page still does nothing with it.
  return "<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta http-equiv=\"Content-Security-Policy\" "
         "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<meta name=\"referrer\" content=\"no-referrer\"/>\n" +
         element("title", "Load test of " + html(result.address) + ": " +
                              html(name_of(result.verdict.belief))) +
         element("style", kPageStyle) + "</head>\n";
}

std::string heading(const BenchResult& result) {
  const std::string occasion =
      "Load test with fairlead " + html(result.version) + ", " + utc_text(result.began);
  std::string loop = html_amount(loop_text(result));
  loop.front() = static_cast<char>(loop.front() & ~0x20);  // begins a sentence here
  return element("header", element("p", occasion, "class=\"kind\"") +
                               element("h1", html(result.address)) + element("p", loop));
}

std::string verdict(const BenchResult& result) {
  constexpr std::string_view kMarks[] = {"✓ ", "? ", "✗ "};
  constexpr std::string_view kMeanings[] = {
      "The figures can be believed.",
      "Read the figures with care:", "The figures must not be used:"};
  const auto belief = static_cast<std::size_t>(result.verdict.belief);
  const std::string name(name_of(result.verdict.belief));
  std::string reasons;
  for (const std::string& reason : result.verdict.reasons)
    reasons += element("li", html_amount(reason));
  std::string kind = name;
  for (char& c : kind) c = static_cast<char>(c | 0x20);
  return element("section",
                 element("h2", std::string(kMarks[belief]) + name) +
                     element("p", kMeanings[belief]) +
                     (reasons.empty() ? "" : element("ul", "\n" + reasons)),
                 "class=\"verdict " + kind + "\"");
}

std::string figures(const BenchResult& result) {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& value, bool is_alarming) {
    out +=
        element("div", "<dt>" + html(name) + "</dt><dd" + (is_alarming ? " class=\"some\"" : "") +
                           ">" + html_amount(value) + "</dd>");
  };
  if (result.mode != BenchMode::idle) add("rate", count_text(result.rate()) + " /s", false);
  const Histogram& latency = result.latency();
  if (latency.count() > 0) {
    for (const auto& [name, share] :
         {ReportedQuantile{"p50", 0.5}, ReportedQuantile{"p99", 0.99}}) {
      const auto value = supported_quantile(latency, share);
      add(name, value ? time_figure(static_cast<double>(*value)) : "-", false);
    }
    add("max", time_figure(static_cast<double>(latency.max())), false);
  }
  const BenchCounts& counts = result.tally.counts;
  add("errors", count_text(static_cast<double>(counts.all_errors())), counts.all_errors() > 0);
  add("mismatches", count_text(static_cast<double>(counts.all_mismatches())),
      counts.all_mismatches() > 0);
  return element("dl", "\n" + out, "class=\"figures\"");
}

std::string thresholds(const BenchResult& result) {
  std::string rows;
  for (const ThresholdOutcome& outcome : result.thresholds) {
    const std::string_view word = outcome.met ? "✓ met" : "✗ missed";
    rows += element("tr", element("td", word, outcome.met ? "class=\"met\"" : "class=\"missed\"") +
                              element("td", element("code", html(outcome.text))) +
                              element("td", html_amount(found_text(outcome))));
  }
  if (rows.empty()) return "";
  return section("Thresholds", element("table", element("tbody", rows)));
}

std::string chart(const std::optional<Chart>& chart) { return chart ? svg_chart(*chart) : ""; }

std::string numbers_table(const LatencyTable& table) {
  std::string head = element("th", "");
  for (const std::string& column : table.columns) head += element("th", html(column));
  std::string rows;
  for (const LatencyTable::Row& row : table.rows) {
    std::string cells = element("th", html(row.name));
    for (const std::string& cell : row.cells) cells += element("td", html_amount(cell));
    rows += element("tr", cells);
  }
  return element("table", element("thead", element("tr", head)) + element("tbody", rows),
                 "class=\"numbers\"");
}

std::string latency(const BenchResult& result) {
  const LatencyTable table = latency_table(result);
  if (table.columns.empty()) return "";
  return section("Latency",
                 quiet(loop_meaning(result)) + chart(percentile_chart(result)) +
                     numbers_table(table) +
                     (table.has_gaps ? quiet("-: fewer than ten samples lie beyond it") : ""));
}

std::string seconds_table(const BenchResult& result) {
  LatencyTable table{.columns = {"begun", "done", "errors", "mismatches", "connections", "p50",
                                 "p90", "p99", "max"}};
  for (const SeriesRow& row : drawn_series(result)) {
    LatencyTable::Row line;
    line.name = std::to_string(row.second) + (row.is_warmup ? " (warm-up)" : "");
    for (const std::uint64_t count : {row.counts.sent, row.counts.done, row.counts.all_errors(),
                                      row.counts.all_mismatches(), row.connections_open})
      line.cells.push_back(count_figure(count));
    for (const std::uint64_t time : {row.p50, row.p90, row.p99, row.max})
      line.cells.push_back(row.max == 0 ? "-" : time_figure(static_cast<double>(time)));
    table.rows.push_back(std::move(line));
  }
  return element("details", element("summary", "The numbers of each second") +
                                element("div", numbers_table(table), "class=\"wide\""));
}

std::string over_time(const BenchResult& result) {
  if (result.series.empty()) return "";
  const std::size_t each = (result.series.size() + kSeriesPointsMax - 1) / kSeriesPointsMax;
  const std::string grouped =
      each == 1 ? ""
                : quiet("Each point stands for " + std::to_string(each) +
                        " seconds: rates are their mean, latencies those of the worst of them.");
  return section("Over time", grouped + chart(rate_chart(result)) +
                                  chart(latency_series_chart(result)) + seconds_table(result));
}

std::string facts(const BenchResult& result) {
  std::string rows;
  for (const Fact& fact : facts_of(result))
    rows += element("tr", element("th", html(fact.name)) + element("td", html_amount(fact.value)));
  return section("In numbers", element("table", element("tbody", rows)));
}

std::string first_mismatch(const BenchResult& result) {
  const std::vector<std::string> lines = first_mismatch_lines(result);
  if (lines.empty()) return "";
  std::string diff;
  for (std::size_t i = 1; i < lines.size(); ++i) diff += html(lines[i]) + "\n";
  return section("The first wrong reply",
                 element("p", html(lines.front())) + (diff.empty() ? "" : element("pre", diff)));
}

std::string configuration(const BenchResult& result) {
  std::string rows;
  for (const auto& [option, value] : result.configuration)
    rows +=
        element("tr", element("th", html(option)) + element("td", element("code", html(value))));
  if (rows.empty()) return "";
  return section("Configuration", element("table", element("tbody", rows)));
}

}  // namespace

std::string html_report(const BenchResult& result) {
  std::string main;
  for (const auto part : {heading, verdict, figures, thresholds, latency, over_time})
    main += part(result);
  main += section("Distribution", chart(histogram_chart(result)));
  for (const auto part : {first_mismatch, facts, configuration}) main += part(result);
  return "<!DOCTYPE html>\n" +
         element("html", "\n" + head(result) + element("body", "\n" + element("main", "\n" + main)),
                 "lang=\"en\"");
}

}  // namespace fairlead
