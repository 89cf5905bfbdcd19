#include "common/log/repeat_limit.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

bool RepeatLimit::admits(Level level, std::string_view event, std::string_view reason, Time now) {
  if (lines_max_ == 0) return true;
  const std::lock_guard lock(mutex_);
  auto kind = std::ranges::find_if(kinds_, [&](const Kind& other) {
    return other.suppressed.event == event && other.suppressed.reason == reason;
  });
  if (kind == kinds_.end()) {
    kinds_.push_back({{level, std::string(event), std::string(reason), 0}});
    kind = std::prev(kinds_.end());
  }
  if (now >= kind->until) {
    kind->lines = 0;
    kind->until = now + kWindow;
  }
  const bool admitted = kind->lines < lines_max_;
  ++(admitted ? kind->lines : kind->suppressed.lines);
  return admitted;
}

std::vector<RepeatLimit::Suppressed> RepeatLimit::take_due(Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<Suppressed> due;
  for (Kind& kind : kinds_) {
    // A kind below its limit has begun a new window: what it holds is of an earlier one.
    const bool over = now >= kind.until || kind.lines < lines_max_;
    if (!over || kind.suppressed.lines == 0) continue;
    due.push_back(kind.suppressed);
    kind.suppressed.lines = 0;
  }
  std::erase_if(kinds_, [now](const Kind& kind) { return now >= kind.until; });
  return due;
}

RepeatLimit::Time RepeatLimit::next_due() const {
  const std::lock_guard lock(mutex_);
  Time next = Time::max();
  for (const Kind& kind : kinds_)
    if (kind.lines >= lines_max_) next = std::min(next, kind.until);
  return next;
}

}  // namespace fairlead
