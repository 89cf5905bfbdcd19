// The commands of fairlead, one file each.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/environment.hpp"
#include "client/cli/options.hpp"

namespace fairlead {

struct Command {
  std::string_view name;
  std::string_view summary;  // one line of `fairlead --help`
  std::string (*help)();     // what `fairlead help NAME` prints
  // Runs with the words behind the name and returns the exit code; throws UsageError.
  int (*run)(const Words& arguments, const TerminalLocale& locale);
};

std::string send_help();
int run_send(const Words& arguments, const TerminalLocale& locale);
std::string term_help();
int run_term(const Words& arguments, const TerminalLocale& locale);
std::string ping_help();
int run_ping(const Words& arguments, const TerminalLocale& locale);
std::string ls_help();
int run_ls(const Words& arguments, const TerminalLocale& locale);

std::string get_help();
int run_get(const Words& arguments, const TerminalLocale& locale);

std::string bench_help();
int run_bench_command(const Words& arguments, const TerminalLocale& locale);
std::string bench_compare_help();
// With the words behind `bench compare`. Throws UsageError and SettingError.
int run_bench_compare(const Words& arguments, const TerminalLocale& locale);

// The whole of main(): finds the command and runs it. `arguments` are those behind the program's
// name.
int run_fairlead(const Words& arguments);

}  // namespace fairlead
