// Bugs that the simulation plants, to prove that it would find them (docs/simulation.md).
// Everywhere else planted() is the constant false and leaves no trace in the program.
#pragma once

#include <cstdint>

namespace fairlead {

enum class PlantedBug : std::uint8_t {
  none,
  stale_search_offset,          // a line found does not reset how far the next one was searched
  no_resume_after_end,          // a held session whose client has half-closed is never gone on with
  close_drops_queue,            // a close does not wait for what is queued
  message_clock_keeps_running,  // the deadline of one message goes on for the next
  early_goaway,                 // GOAWAY is said before what had been received is executed
  endless_queue,                // more is pushed than queue_hard allows
  two_verdicts,                 // a client that is pushed to may also be a write time-out
  stalls_count,                 // the time in which the daemon was stopped is the clients'
};

#ifdef FAIRLEAD_SIMULATION
// Defined by the simulation: true for the one bug it was asked to plant.
bool planted(PlantedBug bug) noexcept;
#else
constexpr bool planted(PlantedBug) noexcept { return false; }
#endif

}  // namespace fairlead
