#include "server/app/control_groups.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/app/running_daemon.hpp"

namespace fairlead {
namespace {

// A machine on which this process is in the group /system.slice/fairlead.service.
class Machine {
 public:
  explicit Machine(
      const std::string& groups = "1:name=systemd:/x\n0::/system.slice/fairlead.service\n") {
    write("proc/self/cgroup", groups);
  }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::filesystem::path path() const { return folder_ / ""; }

 private:
  TestFolder folder_;
};

const std::string kSlice = "sys/fs/cgroup/system.slice/";
const std::string kService = kSlice + "fairlead.service/";

TEST(ControlGroups, AQuotaIsSoManyCoresRoundedUp) {
  const Machine machine;
  EXPECT_EQ(group_cores(machine.path()), std::nullopt);
  const std::pair<const char*, std::optional<std::uint32_t>> cases[] = {
      {"max 100000\n", std::nullopt}, {"100000 100000\n", 1},      {"100001 100000\n", 2},
      {"150000 100000\n", 2},         {"10000 100000\n", 1},       {"1600000 100000\n", 16},
      {"50000 25000\n", 2},           {"garbage\n", std::nullopt}, {"100000 0\n", std::nullopt}};
  for (const auto& [text, cores] : cases) {
    machine.write(kService + "cpu.max", text);
    EXPECT_EQ(group_cores(machine.path()), cores) << text;
  }
}

TEST(ControlGroups, TheTightestGroupCounts) {
  const Machine machine;
  machine.write(kService + "cpu.max", "400000 100000\n");
  machine.write(kSlice + "cpu.max", "200000 100000\n");
  EXPECT_EQ(group_cores(machine.path()), 2U);
  machine.write(kService + "memory.max", "max\n");
  machine.write(kService + "memory.current", "5\n");
  EXPECT_EQ(group_memory_left(machine.path()), std::nullopt);
  machine.write(kSlice + "memory.max", "1000\n");
  machine.write(kSlice + "memory.current", "400\n");
  EXPECT_EQ(group_memory_left(machine.path()), 600U);
}

TEST(ControlGroups, OfANamespaceTheMountedFolderIsTheGroup) {
  for (const char* groups : {"0::/\n", "0::/../outside/of/it\n"}) {
    const Machine machine(groups);
    machine.write("sys/fs/cgroup/cpu.max", "300000 100000\n");
    EXPECT_EQ(group_cores(machine.path()), 3U) << groups;
  }
}

TEST(ControlGroups, WithoutThemThereIsNoLimit) {
  const Machine machine("1:cpu:/\n");
  EXPECT_EQ(group_cores(machine.path()), std::nullopt);
  EXPECT_EQ(group_memory_left(machine.path()), std::nullopt);
  EXPECT_GE(usable_cores(), 1U);
}

}  // namespace
}  // namespace fairlead
