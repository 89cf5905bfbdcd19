#include "common/base/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "common/base/check.hpp"

namespace fairlead {

static_assert(sizeof(WheelEntry) <= 32);

TimerWheel::TimerWheel(TimePoint start) : now_(tick_at(start)) {
  FAIRLEAD_CHECK(start >= TimePoint{});
}

TimerWheel::~TimerWheel() {
  for (WheelLink& list : lists_) {
    while (list.next != &list) static_cast<WheelEntry*>(list.next)->unlink();
  }
}

void TimerWheel::schedule(WheelEntry& entry, TimePoint deadline) noexcept {
  entry.unlink();
  if (deadline == kNever) return;
  entry.deadline_ = deadline;
  place(entry);
}

std::optional<TimePoint> TimerWheel::next_due() const noexcept {
  const WheelLink& due = lists_[kDueList];
  if (due.next != &due) return time_of(now_);
  if (levels_ == 0) return std::nullopt;
  return time_of(first_occupied().begins);
}

// Moves the entries due at `now` to the due list, and others down the levels.
void TimerWheel::collect_due(TimePoint now) noexcept {
  const Tick target = std::max(now_, tick_at(now));
  while (levels_ != 0) {
    const Position first = first_occupied();
    if (first.begins > target) break;
    now_ = first.begins;
    const WheelLink& list = lists_[first.level * kSlots + first.slot];
    while (list.next != &list) {
      WheelEntry& entry = *static_cast<WheelEntry*>(list.next);
      entry.unlink();
      if (tick_not_before(entry.deadline_) <= now_) {
        link(entry, kDueList);
      } else {
        place(entry);
      }
    }
  }
  now_ = target;
}

WheelEntry* TimerWheel::take_due() noexcept {
  const WheelLink& due = lists_[kDueList];
  if (due.next == &due) return nullptr;
  WheelEntry* entry = static_cast<WheelEntry*>(due.next);
  entry->unlink();
  return entry;
}

// The level is the highest digit in which the entry's tick and now_ differ.
void TimerWheel::place(WheelEntry& entry) noexcept {
  const Tick tick = std::max(tick_not_before(entry.deadline_), now_ + 1);
  const auto level = static_cast<std::size_t>(std::bit_width(tick ^ now_) - 1) / kDigitBits;
  const std::size_t slot = (tick >> (level * kDigitBits)) % kSlots;
  occupied_[level] |= std::uint64_t{1} << slot;
  levels_ |= std::uint64_t{1} << level;
  link(entry, level * kSlots + slot);
}

void TimerWheel::link(WheelEntry& entry, std::size_t list) noexcept {
  WheelLink& head = lists_[list];
  entry.wheel_ = this;
  entry.previous = head.previous;
  entry.next = &head;
  head.previous->next = &entry;
  head.previous = &entry;
}

void WheelEntry::unlink() noexcept {
  if (wheel_ == nullptr) return;
  previous->next = next;
  next->previous = previous;
  // In a ring of two, the other link is the head of the list.
  if (previous == next) wheel_->list_emptied(*next);
  previous = next = this;
  wheel_ = nullptr;
}

void TimerWheel::list_emptied(const WheelLink& head) noexcept {
  const auto list = static_cast<std::size_t>(&head - lists_.data());
  if (list == kDueList) return;
  const std::size_t level = list / kSlots;
  occupied_[level] &= ~(std::uint64_t{1} << (list % kSlots));
  if (occupied_[level] == 0) levels_ &= ~(std::uint64_t{1} << level);
}

TimerWheel::Position TimerWheel::first_occupied() const noexcept {
  const auto level = static_cast<std::size_t>(std::countr_zero(levels_));
  const auto slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
  const std::size_t shift = level * kDigitBits;
  const Tick above = now_ >> shift >> kDigitBits << kDigitBits;
  return {level, slot, (above | slot) << shift};
}

TimerWheel::Tick TimerWheel::tick_at(TimePoint time) noexcept {
  return static_cast<Tick>(std::max<Duration::rep>(time.time_since_epoch() / kSlot, 0));
}

TimerWheel::Tick TimerWheel::tick_not_before(TimePoint time) noexcept {
  return tick_at(time) + (time.time_since_epoch() % kSlot > Duration::zero() ? 1 : 0);
}

TimePoint TimerWheel::time_of(Tick tick) noexcept {
  constexpr auto kTicksMax = static_cast<Tick>(kNever.time_since_epoch() / kSlot);
  return tick > kTicksMax ? kNever : TimePoint(kSlot * static_cast<Duration::rep>(tick));
}

}  // namespace fairlead
