// The deadlines of all sessions of a loop, behind one timer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "common/base/time.hpp"

namespace fairlead {

class TimerWheel;

// Both an entry and the head of a slot's list: a ring of these.
struct WheelLink {
  WheelLink* previous = this;
  WheelLink* next = this;
};

// One deadline: a member or base of the object that waits. Its destructor cancels it. It may
// outlive its wheel, which cancels all its entries at its end.
class WheelEntry : private WheelLink {
 public:
  WheelEntry() noexcept = default;
  ~WheelEntry() { unlink(); }
  WheelEntry(const WheelEntry&) = delete;
  WheelEntry& operator=(const WheelEntry&) = delete;

  bool is_scheduled() const noexcept { return wheel_ != nullptr; }
  // kNever when it is not scheduled.
  TimePoint deadline() const noexcept { return is_scheduled() ? deadline_ : kNever; }

 private:
  friend class TimerWheel;
  void unlink() noexcept;

  TimerWheel* wheel_ = nullptr;
  TimePoint deadline_ = kNever;
};

// A coarse hierarchical wheel: 10 ms slots in the lowest level, 64 slots a level, each level 64
// times as coarse as the one below. Scheduling and cancelling take constant time; an entry moves
// down at most once per level before it is due. An entry is never reported early, and at the latest
// by an advance() to one slot (10 ms) after its deadline. One wheel belongs to one shard and is
// touched by its thread only. The caller passes the time.
//
// Invariant, where a tick is time / 10 ms, in digits of base 64: an entry of level L agrees with
// now_ in every digit above L, and its digit L, which is its slot, is greater than that of now_. So
// all entries of a lower level are due before those of a higher one. Bit S of occupied_[L] is set
// exactly when slot S of level L has entries, bit L of levels_ exactly when occupied_[L] != 0.
class TimerWheel {
 public:
  static constexpr Duration kSlot{10};

  // `start` is the first `now`, not before the clock's epoch.
  explicit TimerWheel(TimePoint start);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Schedules the entry anew; kNever cancels it. A deadline that has passed is reported by the
  // advance() into the next slot, never by the one that is running.
  void schedule(WheelEntry& entry, TimePoint deadline) noexcept;
  void cancel(WheelEntry& entry) noexcept { entry.unlink(); }

  // The time of the next advance(), at most one slot after the first deadline; nothing when no
  // entry is scheduled. For a distant deadline it is the time at which entries move down a level.
  std::optional<TimePoint> next_due() const noexcept;

  // Moves the wheel to `now` and calls due(WheelEntry&) for each entry whose slot has come, in the
  // order of the slots. Each is unlinked before its call. `due` may schedule, cancel and destroy
  // any entry, itself included, but not the wheel. If it throws, or after `calls_max` calls, the
  // other entries stay due, and next_due() is now. Time never goes back: an earlier `now` counts as
  // the last one.
  template <class F>
  void advance(TimePoint now, F&& due,
               std::size_t calls_max = std::numeric_limits<std::size_t>::max()) {
    collect_due(now);
    for (; calls_max > 0; --calls_max) {
      WheelEntry* const entry = take_due();
      if (entry == nullptr) return;
      due(*entry);
    }
  }

 private:
  friend class WheelEntry;

  using Tick = std::uint64_t;
  static constexpr unsigned kDigitBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kDigitBits;
  // Sixty bits hold every 63-bit number of milliseconds in ticks of ten.
  static constexpr std::size_t kLevels = 10;
  // The list behind the slots: entries that advance() reports.
  static constexpr std::size_t kDueList = kLevels * kSlots;

  static Tick tick_at(TimePoint time) noexcept;     // the slot that `time` is in
  static Tick tick_not_before(TimePoint) noexcept;  // the first slot that begins at or after it
  static TimePoint time_of(Tick tick) noexcept;

  struct Position {
    std::size_t level, slot;
    Tick begins;
  };
  Position first_occupied() const noexcept;

  void collect_due(TimePoint now) noexcept;
  WheelEntry* take_due() noexcept;
  void place(WheelEntry& entry) noexcept;
  void link(WheelEntry& entry, std::size_t list) noexcept;
  void list_emptied(const WheelLink& head) noexcept;

  Tick now_;
  std::uint64_t levels_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<WheelLink, kLevels * kSlots + 1> lists_;
};

}  // namespace fairlead
