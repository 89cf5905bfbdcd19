#include "client/bench/report/make_bench_view.hpp"

#include <unistd.h>

#include <cstdlib>

#include "client/bench/report/bench_lines.hpp"
#include "client/bench/report/bench_screen.hpp"

namespace fairlead {

std::unique_ptr<BenchView> make_bench_view(BenchViewForm form, Output& err, Encoding terminal) {
  if (form == BenchViewForm::lines || !can_be_drawn_over(err))
    return std::make_unique<BenchLines>(err, terminal);
  const char* const no_color = std::getenv("NO_COLOR");
  const BenchScreenLook look{.colour = no_color == nullptr || *no_color == '\0',
                             .ascii = terminal != Encoding::utf8};
  return std::make_unique<BenchScreen>(
      err, [] { return terminal_size(STDERR_FILENO); }, terminal, look);
}

}  // namespace fairlead
