#include "client/bench/report/reports.hpp"

namespace fairlead {

std::string csv_report(const BenchResult& result) {
  constexpr std::string_view kLineEnd = "\r\n";
  std::string text =
      "second,warmup,sent,done,errors,mismatches,bytes_out,bytes_in,connects,connections_open,"
      "p50_us,p90_us,p99_us,max_us";
  for (std::size_t i = 0; i < kBenchErrors; ++i)
    text.append(",errors_").append(name_of(static_cast<BenchError>(i)));
  text += ",connect_errors";
  text += kLineEnd;
  for (const SeriesRow& row : result.series) {
    const BenchCounts& counts = row.counts;
    text += std::to_string(row.second) + (row.is_warmup ? ",1" : ",0");
    for (const std::uint64_t value :
         {counts.sent, counts.done, counts.all_errors(), counts.all_mismatches(), counts.bytes_out,
          counts.bytes_in, counts.connects, row.connections_open, row.p50, row.p90, row.p99,
          row.max})
      text += "," + std::to_string(value);
    for (const std::uint64_t errors : counts.errors) text += "," + std::to_string(errors);
    text += "," + std::to_string(counts.all_connect_errors());
    text += kLineEnd;
  }
  return text;
}

}  // namespace fairlead
