#include "client/bench_report/text_report.hpp"

namespace fairlead {

std::string text_report(const BenchResult& result) {
  return std::string(name_of(result.verdict.belief)) + "\n";
}

}  // namespace fairlead
