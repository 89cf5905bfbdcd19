#include <benchmark/benchmark.h>

#include "tests/bench/micro/allocations.hpp"

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return fairlead::broken_promises() == 0 ? 0 : 1;
}
