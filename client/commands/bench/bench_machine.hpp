// What a load test asks the machine: limits, clocks, and who used how much of a processor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "client/bench/stats/bench_time.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Raises the soft limit of descriptors to the hard one.
void raise_descriptor_limit() noexcept;

BenchFacts bench_facts(const Destination& server);

// Of the calling thread, since it began: on a processor, and able to run without one.
struct ThreadTimes {
  BenchDuration cpu{0};
  BenchDuration starved{0};  // 0 where the kernel does not tell
};
ThreadTimes thread_times();

// User and system, all threads of the process, those that have ended too; to within a tick of the
// kernel for each thread that runs just now. Nothing: there is no such process.
std::optional<BenchDuration> process_cpu(pid_t pid) noexcept;

// How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC: changes when the clock is set.
std::chrono::duration<double, std::milli> clock_offset() noexcept;

// The calling thread's timers ring when they are due, not up to 50 us later to save energy.
void wake_on_time() noexcept;

}  // namespace fairlead
