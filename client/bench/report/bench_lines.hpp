// A load test watched where nothing can be drawn over: a line a second.
#pragma once

#include "client/bench/report/bench_view.hpp"
#include "client/cli/output.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

class BenchLines final : public BenchView {
 public:
  BenchLines(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void second(const SeriesRow& row, const BenchProgress& progress) override;
  void update(const BenchProgress&) override {}
  void say(std::string_view line) override;
  void end() override {}

 private:
  Output& err_;
  Encoding encoding_;
};

}  // namespace fairlead
