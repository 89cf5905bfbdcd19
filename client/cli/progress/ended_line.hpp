// What is said once of a file that has ended.
#pragma once

#include <optional>
#include <string>

#include "client/fetch/progress.hpp"

namespace fairlead {

// "NAME: 12.3 MiB in 0:05 (2.46 MiB/s)", escaped, without line end. `took`: empty if it is not
// known. Empty for a file that failed: why it did is for ProgressView::say.
std::string ended_line(const FetchedFile& file, std::optional<Duration> took);

// Bytes a second over all of its time; 0: not known.
double rate_over(const FetchedFile& file, std::optional<Duration> took);

}  // namespace fairlead
