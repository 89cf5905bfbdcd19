// The stop of the daemon as docs/operations.md describes it (Stopping): events in, orders out.
// Pure: no process, no socket, no clock.
#pragma once

#include <cstdint>

#include "common/base/time.hpp"

namespace fairlead {

enum class StopRequest : std::uint8_t {
  drain,        // TERM, INT
  lame_duck,    // QUIT
  handed_over,  // an upgrade: another process serves, and this one what could not go
};

// running → closing the listeners → serving what is left → over. Owned by the daemon, used on the
// first loop's thread. Invariants: deadline() never moves to a later time; only finish
// follows cut.
class Shutdown {
 public:
  enum class Order : std::uint8_t {
    none,
    close_listeners,  // on_listeners_closed() follows
    begin_lame_duck,  // say goodbye to one session after the other until deadline()
    begin_drain,      // say goodbye to framed clients; serve the others until deadline()
    evict,            // end every session that is left
    cut,              // end every session that is left by a reset, at once
    finish,           // let the loops end
  };

  // How long what is left is served, by what has been asked for.
  struct Times {
    Duration drain, lame_duck, upgrade_drain;
  };
  explicit Shutdown(const Times& times) noexcept : times_(times) {}

  // A reload, for a stop that has not begun.
  void change_times(const Times& times) noexcept { times_ = times; }

  Order on_request(StopRequest request, TimePoint now) noexcept;
  Order on_listeners_closed(TimePoint now) noexcept;
  Order on_deadline() noexcept;
  Order on_last_session_ended() noexcept;

  TimePoint deadline() const noexcept { return deadline_; }  // kNever before the first goodbye
  StopRequest kind() const noexcept { return kind_; }        // of the stop under way
  bool is_under_way() const noexcept { return phase_ != Phase::running; }

 private:
  enum class Phase : std::uint8_t { running, closing, serving, over };

  Order begin_serving(TimePoint now) noexcept;
  Duration time_of(StopRequest request) const noexcept;

  Times times_;
  Phase phase_ = Phase::running;
  StopRequest kind_ = StopRequest::drain;
  bool is_cutting_ = false;  // a second request to drain has come
  TimePoint deadline_ = kNever;
};

}  // namespace fairlead
