#include "client/fetch/rate_limit.hpp"

#include <algorithm>

namespace fairlead {
namespace {

using Seconds = std::chrono::duration<double>;

// The longest pause; it also keeps a tiny rate from overflowing a time.
constexpr Seconds kPauseMax = std::chrono::hours(24);

}  // namespace

TimePoint RateLimit::take(std::uint64_t bytes, TimePoint now) {
  if (is_unlimited()) return now;
  const auto rate = static_cast<double>(rate_);
  const double due = Seconds(now - counted_).count() * rate;
  excess_bytes_ = std::max(0.0, excess_bytes_ - due) + static_cast<double>(bytes);
  counted_ = now;
  const double too_many = excess_bytes_ - Seconds(kBurst).count() * rate;
  if (too_many <= 0) return now;
  return now + std::chrono::ceil<Duration>(std::min(Seconds(too_many / rate), kPauseMax));
}

}  // namespace fairlead
