#include "client/cli/progress/rate_meter.hpp"

#include <algorithm>

namespace fairlead {

void RateMeter::note(std::uint64_t bytes, TimePoint now) {
  if (!looks_.empty() && bytes < looks_.back().bytes) looks_.clear();
  if (!looks_.empty() && now - looks_.back().at < kApart) return;
  looks_.push_back({now, bytes});
  while (looks_.size() > 2 && looks_[1].at <= now - kWindow) looks_.pop_front();
}

double RateMeter::rate() const {
  if (looks_.size() < 2) return 0;
  const std::chrono::duration<double> time = looks_.back().at - looks_.front().at;
  return static_cast<double>(looks_.back().bytes - looks_.front().bytes) / time.count();
}

std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate) {
  if (rate < 1) return std::nullopt;
  if (here >= size) return Duration::zero();
  constexpr double kYear = 365 * 86400.0;
  const double seconds = std::min(static_cast<double>(size - here) / rate, kYear);
  return Duration(static_cast<Duration::rep>(seconds * 1000));
}

}  // namespace fairlead
