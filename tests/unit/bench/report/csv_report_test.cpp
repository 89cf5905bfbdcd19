// The seconds of a load test as a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/bench/report/reports.hpp"
#include "tests/support/bench_samples.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CsvReport, HasAHeaderAndALineForEachSecond) {
  BenchResult result;
  SeriesRow row{.second = 3, .is_warmup = true, .connections_open = 9};
  row.counts = {.sent = 1, .done = 2, .bytes_out = 5, .bytes_in = 6, .connects = 7};
  row.counts.errors[static_cast<std::size_t>(BenchError::unreachable)] = 4;
  row.counts.mismatches[static_cast<std::size_t>(MismatchKind::order)] = 8;
  row.counts.connect_errors[static_cast<std::size_t>(BenchError::refused)] = 14;
  row.p50 = 10, row.p90 = 11, row.p99 = 12, row.max = 13;
  result.series = {row};
  EXPECT_EQ(
      csv_report(result),
      "second,warmup,sent,done,errors,mismatches,bytes_out,bytes_in,connects,"
      "connections_open,p50_us,p90_us,p99_us,max_us,errors_refused,errors_unreachable,"
      "errors_no_port,errors_no_descriptor,errors_connect_timeout,errors_reset,"
      "errors_vanished,errors_closed,errors_short_read,errors_reply_timeout,"
      "errors_protocol,errors_turned_away,errors_request_refused,errors_other,connect_errors\r\n"
      "3,1,1,2,4,8,5,6,7,9,10,11,12,13,0,4,0,0,0,0,0,0,0,0,0,0,0,0,14\r\n");
}

TEST(CsvReport, IsAHeaderWithoutSeconds) {
  const std::string text = csv_report({});
  EXPECT_THAT(text, StartsWith("second,"));
  EXPECT_EQ(text.find("\r\n"), text.size() - 2);
}

}  // namespace
}  // namespace fairlead
