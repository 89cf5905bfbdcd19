// What a load test needs to know of the machine: limits, clocks and processor times.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>

#include "client/bench/judge/result.hpp"
#include "client/bench/stats/bench_time.hpp"
#include "client/bench/workload/bench_needs.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// `servers`: the addresses of the one server, at least one.
BenchFacts bench_facts(std::span<const Destination> servers);

// The calling thread's, since `before`, which an earlier call has returned.
ThreadUse thread_use(const ThreadUse& before = {});

// CPU time of the process: user and system, all threads, including ended ones; exact to a kernel
// tick for each running thread. Empty: there is no such process.
std::optional<BenchDuration> process_cpu(pid_t pid) noexcept;

// CLOCK_REALTIME minus CLOCK_MONOTONIC: changes when the clock is set.
std::chrono::duration<double, std::milli> clock_offset() noexcept;

// Disables the timer slack of the calling thread, which delays timers by up to 50 us.
void wake_on_time() noexcept;

}  // namespace fairlead
