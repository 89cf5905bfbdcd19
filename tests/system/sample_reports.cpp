// Writes the reports of made-up load tests into the folder it is given: NAME.html, NAME.json,
// NAME.csv and NAME.txt, for test_bench_reports.py and for those who want to look at them.
#include <filesystem>
#include <fstream>
#include <utility>

#include "client/bench/report/reports.hpp"
#include "tests/support/bench_samples.hpp"

using namespace fairlead;

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder(arguments[1]);
  for (const auto& [name, result] : {std::pair{"open", open_loop_sample()},
                                     {"closed", closed_loop_sample()},
                                     {"failed", failed_sample()},
                                     {"hostile", hostile_sample()}}) {
    const auto write = [&](const char* ending, const std::string& text) {
      std::ofstream(folder / (std::string(name) + ending), std::ios::binary) << text;
    };
    write(".html", html_report(result));
    write(".json", json_report(result));
    write(".csv", csv_report(result));
    write(".txt", text_report(result, 100));
  }
}
