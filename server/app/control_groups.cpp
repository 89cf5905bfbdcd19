#include "server/app/control_groups.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace fairlead {
namespace {

namespace fs = std::filesystem;

// The least that `allowed` says of the group of this process and of those around it. Where these
// are another namespace's, the mounted folder is the group itself.
std::optional<std::uint64_t> tightest(
    const fs::path& machine,
    const std::function<std::optional<std::uint64_t>(const fs::path&)>& allowed) {
  const fs::path top = machine / "sys/fs/cgroup";
  std::ifstream file(machine / "proc/self/cgroup");
  std::optional<std::uint64_t> least;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    fs::path group = top.string() + (line.size() > 4 ? line.substr(3) : "");
    for (; group.string().starts_with(top.string()); group = group.parent_path())
      if (const auto here = allowed(group)) least = std::min(least.value_or(*here), *here);
  }
  return least;
}

}  // namespace

std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return {};
}

std::optional<std::uint64_t> group_memory_left(const fs::path& machine) {
  return tightest(machine, [](const fs::path& group) -> std::optional<std::uint64_t> {
    const auto limit = number_in(group / "memory.max");  // "max": no limit, and no number
    const auto used = number_in(group / "memory.current");
    if (!limit || !used) return {};
    return *limit > *used ? *limit - *used : 0;
  });
}

std::optional<std::uint32_t> group_cores(const fs::path& machine) {
  const auto cores = tightest(machine, [](const fs::path& group) -> std::optional<std::uint64_t> {
    std::ifstream file(group / "cpu.max");  // "150000 100000": µs of time, in each so many µs
    std::uint64_t quota = 0, period = 0;
    if (!(file >> quota >> period) || period == 0) return {};
    return std::max<std::uint64_t>(1, (quota + period - 1) / period);
  });
  if (!cores) return {};
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*cores, UINT32_MAX));
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  const bool is_known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  const auto cores =
      is_known ? static_cast<std::uint32_t>(CPU_COUNT(&set)) : std::thread::hardware_concurrency();
  return std::max(1U, std::min(cores, group_cores().value_or(cores)));
}

}  // namespace fairlead
