// sim: runs seeds of the simulation (docs/simulation.md).
//   sim --seeds COUNT [--seed FIRST]      all must be clean
//   sim ... --twice                       and each must have the same trace when it is run again
//   sim ... --must-fail                   a bug has been planted: one of them must fail
//   sim --seed N --trace                  prints what happens
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/sim/world.hpp"

namespace fairlead {
namespace {

struct Options {
  std::uint64_t first = 1;
  std::uint64_t count = 1;
  bool must_fail = false;
  bool twice = false;
  bool trace = false;
};

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--twice") {
      options.twice = true;
    } else if (word == "--trace") {
      options.trace = true;
    } else if (word == "--seed" && parse_number(value, options.first)) {
      ++i;
    } else if (word == "--seeds" && parse_number(value, options.count)) {
      ++i;
    } else if (word == "--must-fail") {
      options.must_fail = true;
    } else {
      return false;
    }
  }
  return true;
}

void report(std::uint64_t seed, const sim::Verdict& verdict) {
  std::printf("seed %llu: %zu failures\n", static_cast<unsigned long long>(seed),
              verdict.failures.size());
  const std::size_t shown = std::min<std::size_t>(verdict.failures.size(), 10);
  for (std::size_t i = 0; i < shown; ++i) std::printf("  %s\n", verdict.failures[i].c_str());
  std::printf("replay: sim --seed %llu --trace\n", static_cast<unsigned long long>(seed));
}

// Exit status 0: as it should be. With --must-fail, that is a failure found.
int run(const Options& options) {
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    sim::Verdict verdict = sim::run_world(seed, options.trace);
    if (options.trace) {
      std::printf("trace %016llx\n", static_cast<unsigned long long>(verdict.trace_hash));
    }
    if (options.twice && sim::run_world(seed, false).trace_hash != verdict.trace_hash)
      verdict.failures.push_back("the second run has another trace");
    if (verdict.failures.empty()) continue;
    report(seed, verdict);
    return options.must_fail ? 0 : 1;
  }
  if (options.must_fail) {
    std::printf("the planted bug was not found\n");
    return 1;
  }
  std::printf("%llu seeds are clean\n", static_cast<unsigned long long>(options.count));
  return 0;
}

}  // namespace

}  // namespace fairlead

int main(int argc, char** argv) {
  fairlead::Options options;
  if (!fairlead::parse(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: sim [--seed N] [--seeds COUNT] [--must-fail] [--twice] [--trace]\n");
    return 2;
  }
  return fairlead::run(options);
}
