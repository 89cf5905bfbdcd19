#include "client/api/backoff.hpp"

#include <algorithm>

namespace fairlead {

Duration Backoff::next() {
  const auto span = span_.count();
  span_ = std::min(span_ * 2, settings_.longest);
  std::uniform_int_distribution<Duration::rep> within(span - span / 2, span);
  return Duration(within(random_));
}

}  // namespace fairlead
