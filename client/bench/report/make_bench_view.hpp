// --no-tui: which view of a load test there is to be.
#pragma once

#include <memory>

#include "client/bench/report/bench_view.hpp"
#include "client/cli/output.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

enum class BenchViewForm : std::uint8_t { automatic, lines };

// `err` is stderr, which outlives the view. `automatic`: the screen on a terminal that can move its
// cursor, else lines. The screen has colours unless NO_COLOR is set and not empty (no-color.org),
// and is ASCII on a terminal that is not in UTF-8.
std::unique_ptr<BenchView> make_bench_view(BenchViewForm form, Output& err, Encoding terminal);

}  // namespace fairlead
