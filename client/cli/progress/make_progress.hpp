// --progress: which view of a fetch there is to be.
#pragma once

#include <memory>

#include "client/cli/output.hpp"
#include "client/fetch/progress.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// As the command line names them: auto, bars, lines, json, none.
enum class ProgressForm : std::uint8_t { automatic, bars, lines, json, none };

// `err` is stderr, which outlives the view. `automatic`: bars on a terminal that can move its
// cursor, else lines. Of `none` only what is said is shown.
std::unique_ptr<ProgressView> make_progress(ProgressForm form, Output& err, Encoding terminal);

}  // namespace fairlead
