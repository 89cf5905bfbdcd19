#include "common/log/repeat_limit.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {

bool RepeatLimit::admits(Level level, std::string_view event, std::string_view reason, Time now) {
  const std::lock_guard lock(mutex_);
  auto kind = std::ranges::find_if(kinds_, [&](const Kind& one) {
    return one.suppressed.event == event && one.suppressed.reason == reason;
  });
  if (kind == kinds_.end()) {
    kinds_.push_back({{level, std::string(event), std::string(reason), 0}});
    kind = std::prev(kinds_.end());
  }
  if (now >= kind->until) {
    kind->lines = 0;
    kind->until = now + kWindow;
  }
  const bool admitted = kind->lines < most_;
  ++(admitted ? kind->lines : kind->suppressed.lines);
  return admitted;
}

std::vector<RepeatLimit::Suppressed> RepeatLimit::take_due(Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<Suppressed> due;
  for (Kind& kind : kinds_) {
    // One that has been begun anew before anybody asked tells of the window before as well.
    const bool over = now >= kind.until || kind.lines < most_;
    if (!over || kind.suppressed.lines == 0) continue;
    due.push_back(kind.suppressed);
    kind.suppressed.lines = 0;
  }
  std::erase_if(kinds_, [now](const Kind& kind) { return now >= kind.until; });
  return due;
}

std::optional<RepeatLimit::Time> RepeatLimit::next_due() const {
  const std::lock_guard lock(mutex_);
  std::optional<Time> next;
  for (const Kind& kind : kinds_) {
    if (kind.lines >= most_) next = std::min(next.value_or(kind.until), kind.until);
  }
  return next;
}

}  // namespace fairlead
