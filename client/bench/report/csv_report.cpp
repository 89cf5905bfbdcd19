#include "client/bench/report/reports.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string header() {
  std::string line =
      "second,warmup,sent,done,errors,mismatches,bytes_out,bytes_in,connects,connections_open,"
      "p50_us,p90_us,p99_us,max_us";
  for (std::size_t i = 0; i < kBenchErrors; ++i)
    line.append(",errors_").append(name_of(static_cast<BenchError>(i)));
  return line.append(kLineEnd);
}

std::string line_of(const SeriesRow& row) {
  const BenchCounts& counts = row.counts;
  std::string line = std::to_string(row.second) + (row.is_warmup ? ",1" : ",0");
  for (const std::uint64_t value :
       {counts.sent, counts.done, counts.all_errors(), counts.all_mismatches(), counts.bytes_out,
        counts.bytes_in, counts.connects, row.connections_open, row.p50, row.p90, row.p99, row.max})
    line += "," + std::to_string(value);
  for (const std::uint64_t errors : counts.errors) line += "," + std::to_string(errors);
  return line.append(kLineEnd);
}

}  // namespace

std::string csv_report(const BenchResult& result) {
  std::string text = header();
  for (const SeriesRow& row : result.series) text += line_of(row);
  return text;
}

}  // namespace fairlead
