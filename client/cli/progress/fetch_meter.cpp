#include "client/cli/progress/fetch_meter.hpp"

#include <algorithm>

namespace fairlead {

void FetchMeter::note(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                      TimePoint now) {
  for (const FetchedFile* file : active) {
    Metered& metered = files_.try_emplace(file, Metered{now, {}}).first->second;
    metered.meter.note(fetched_bytes(file->here, file->resumed), now);
  }
  total_.note(fetched_bytes(totals.here, totals.resumed), now);
}

double FetchMeter::rate_of(const FetchedFile& file) const {
  const auto found = files_.find(&file);
  return found == files_.end() ? 0 : found->second.meter.rate();
}

std::optional<Duration> FetchMeter::ended(const FetchedFile& file, TimePoint now) {
  const auto metered = files_.extract(&file);
  if (metered.empty()) return std::nullopt;
  return now - metered.mapped().began;
}

std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate) {
  if (rate < 1) return std::nullopt;
  if (here >= size) return Duration::zero();
  constexpr double kYear = 365 * 86400.0;
  const double seconds = std::min(static_cast<double>(size - here) / rate, kYear);
  return Duration(static_cast<Duration::rep>(seconds * 1000));
}

}  // namespace fairlead
