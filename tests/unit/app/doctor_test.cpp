#include "server/app/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fairlead {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Grade = Finding::Grade;

constexpr std::uint64_t kMiB = 1 << 20;

// A configuration and a machine that is fit for it.
struct DoctorTest : testing::Test {
  DoctorTest() {
    settings.limits.max_connections = 10'000;
    settings.limits.max_buffer_memory = 256 * kMiB;
    settings.socket.backlog = 4096;
    facts.descriptors_hard = 20'000;
    facts.somaxconn = 4096;
    facts.syn_backlog = 4096;
    facts.ephemeral_ports = PortRange{32768, 60999};
    facts.memory_bytes = 1024 * kMiB;
    facts.has_encodings = true;
    settings.listeners.push_back(std::make_unique<ListenerSettings>());
    settings.listeners[0]->name = "main";
    settings.listeners[0]->bind = {*parse_endpoint("127.0.0.1:7878")};
  }

  // The findings there, as one line each.
  std::vector<std::string> lines(const std::string& where) const {
    std::vector<std::string> found;
    for (const Finding& finding : examine(settings, facts)) {
      if (finding.where == where) found.push_back(finding.text());
    }
    return found;
  }

  // The one finding there.
  std::string line(const std::string& where) const {
    const auto found = lines(where);
    EXPECT_EQ(found.size(), 1u) << where;
    return found.empty() ? "" : found.front();
  }

  ServerSettings settings;
  MachineFacts facts;
};

TEST_F(DoctorTest, FindsNothingWrongWithAMachineThatIsFit) {
  for (const Finding& finding : examine(settings, facts)) {
    EXPECT_EQ(finding.grade, Grade::ok) << finding.text();
    EXPECT_THAT(finding.text(), StartsWith("ok    "));
  }
}

TEST_F(DoctorTest, WantsTheEncodings) {
  facts.has_encodings = false;
  EXPECT_THAT(line("encodings"), StartsWith("bad   encodings: "));
}

// At the limit and one below it: the reserved ones are not for connections.
TEST_F(DoctorTest, WantsADescriptorForEveryConnectionAndTheReservedOnes) {
  facts.descriptors_hard = 10'128;
  EXPECT_THAT(line("descriptors"), StartsWith("ok "));
  facts.descriptors_hard = 10'127;
  EXPECT_THAT(line("descriptors"),
              AllOf(StartsWith("bad "), HasSubstr("room for 9999 connections"),
                    HasSubstr("max_connections wants 10000"), HasSubstr("to 10128")));
}

TEST_F(DoctorTest, WantsADescriptorForEveryDownloadOfTheServicesThatHaveFiles) {
  for (const auto& [name, root, downloads] :
       {std::tuple{"files", "/srv", 200}, {"more", "/more", 56}, {"none", "", 1000}}) {
    auto& service = *settings.services.emplace_back(std::make_unique<ServiceSettings>());
    service.name = name;
    service.file.root = root;
    service.file.max_downloads = static_cast<std::uint64_t>(downloads);
  }
  facts.descriptors_hard = 10'384;
  EXPECT_THAT(line("descriptors"), AllOf(StartsWith("ok "), HasSubstr("and 256 downloads")));
  facts.descriptors_hard = 10'383;
  EXPECT_THAT(line("descriptors"),
              AllOf(StartsWith("bad "), HasSubstr("room for 9999 connections and 256 downloads"),
                    HasSubstr("to 10384")));
}

// Not those that nobody expects at the same time.
TEST_F(DoctorTest, LeavesHalfOfTheDescriptorsToConnections) {
  auto& service = *settings.services.emplace_back(std::make_unique<ServiceSettings>());
  service.file.root = "/srv";
  service.file.max_downloads = 1'000'000;
  facts.descriptors_hard = 20'128;
  EXPECT_THAT(line("descriptors"),
              AllOf(StartsWith("ok "), HasSubstr("10000 connections and 10000 downloads")));
  facts.descriptors_hard = 20'126;
  EXPECT_THAT(line("descriptors"), AllOf(StartsWith("bad "), HasSubstr("to 20128")));
}

TEST_F(DoctorTest, WarnsWhenAutoGivesFewConnections) {
  settings.limits.max_connections = 0;
  facts.descriptors_hard = 1024;
  EXPECT_THAT(line("descriptors"), AllOf(StartsWith("warn "), HasSubstr("room for 896")));
  facts.descriptors_hard = 50;
  EXPECT_THAT(line("descriptors"), HasSubstr("room for 1 connections"));
  facts.descriptors_hard = 20'000;
  EXPECT_THAT(line("descriptors"), StartsWith("ok "));
}

TEST_F(DoctorTest, ComparesMemoryWithIdleSessionsAndTheirQueues) {
  facts.memory_bytes = 59 * kMiB + 256 * kMiB;  // 10,000 x 6 KiB are 58.6 MiB
  EXPECT_THAT(line("memory"), StartsWith("ok "));
  facts.memory_bytes = 58 * kMiB + 256 * kMiB;
  EXPECT_THAT(line("memory"), AllOf(StartsWith("warn "), HasSubstr("max_buffer_memory")));
  facts.memory_bytes = 58 * kMiB;
  EXPECT_THAT(line("memory"),
              AllOf(StartsWith("bad "), HasSubstr("lower limits.max_connections to 4949")));
}

// Those who cannot connect for want of descriptors need no memory.
TEST_F(DoctorTest, CountsOnlyTheConnectionsThatTheDescriptorsAllow) {
  settings.limits.max_connections = 1'000'000'000;
  facts.memory_bytes = 512 * kMiB;
  EXPECT_THAT(line("memory"), AllOf(StartsWith("ok "), HasSubstr("19872 idle sessions")));
}

TEST_F(DoctorTest, WarnsOfPortsThatAnyProgramMayBeGiven) {
  auto& bind = settings.listeners[0]->bind;
  for (const auto& [port, warnings] : std::vector<std::pair<std::uint16_t, std::size_t>>{
           {32767, 0}, {32768, 1}, {60999, 1}, {61000, 0}, {0, 0}}) {
    bind[0].port = port;
    const auto found = lines("listener main");
    EXPECT_EQ(found.size(), warnings) << port;
    if (warnings > 0) {
      EXPECT_THAT(found.back(), HasSubstr("ip_local_reserved_ports=" + std::to_string(port)));
    }
  }
  bind[0].port = 40000;
  bind.push_back(bind[0]);  // another address, the same port: said once
  EXPECT_EQ(lines("listener main").size(), 1u);
  facts.reserved_ports = {{1, 2}, {40000, 40000}};
  EXPECT_TRUE(lines("listener main").empty());
}

TEST_F(DoctorTest, WarnsWhenTheKernelCutsTheBacklog) {
  facts.somaxconn = 4095;
  facts.syn_backlog = 512;
  EXPECT_THAT(line("backlog"),
              AllOf(StartsWith("warn "), HasSubstr("sysctl -w net.core.somaxconn=4096")));
  EXPECT_THAT(line("syn backlog"),
              AllOf(StartsWith("warn "), HasSubstr("sysctl -w net.ipv4.tcp_max_syn_backlog=4096")));
}

TEST_F(DoctorTest, JudgesNothingThatCouldNotBeFoundOut) {
  facts.somaxconn = facts.syn_backlog = facts.memory_bytes = {};
  facts.ephemeral_ports = {};
  for (const char* where : {"backlog", "syn backlog", "memory"}) EXPECT_TRUE(lines(where).empty());
}

TEST(Doctor, WarnsWhereALogHasLittleRoom) {
  EXPECT_EQ(writable("log.file", "/f", 256 * kMiB).text(),
            "ok    log.file: /f can be written, 256 MiB are free");
  EXPECT_THAT(writable("log.file", "/f", 255 * kMiB).text(),
              AllOf(StartsWith("warn  log.file: /f has 255 MiB left"), HasSubstr("make room")));
  EXPECT_EQ(writable("log.file", "/f", {}).text(), "ok    log.file: /f can be written");
}

TEST(Doctor, EachFindingIsOneLineWhateverAPathHolds) {
  const std::string text = writable("log.file", "/a\nok    forged\x1b[2J", {}).text();
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' '; })) << text;
}

}  // namespace
}  // namespace fairlead
