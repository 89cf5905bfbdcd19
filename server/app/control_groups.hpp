// What the control groups (version 2) around this process allow it. Functions of a folder that
// holds `proc` and `sys`, so that tests have machines of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace fairlead {

// The number that a file of /proc or /sys begins with.
std::optional<std::uint64_t> number_in(const std::filesystem::path& path);

// Bytes of memory that the tightest group has left. Nothing: no limit, or no such groups.
std::optional<std::uint64_t> group_memory_left(const std::filesystem::path& machine = "/");

// Cores' worth of time that the tightest quota (cpu.max) allows, rounded up. Nothing, likewise.
std::optional<std::uint32_t> group_cores(const std::filesystem::path& machine = "/");

// Cores that this process can use at a time: those of its affinity, or fewer under a quota. At
// least 1.
std::uint32_t usable_cores();

}  // namespace fairlead
