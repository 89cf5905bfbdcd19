#include "server/app/upgrade/start_successor.hpp"

#include <string>
#include <utility>
#include <vector>

#include "common/io/descriptor_channel.hpp"
#include "server/app/upgrade/contact.hpp"

namespace fairlead {
namespace {

std::optional<std::string> unless_empty(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

std::optional<OpenedByOlder> origin_of(const OpenedListener& listener) {
  if (listener.is_inherited) return std::nullopt;
  return OpenedByOlder{listener.written, listener.socket.device, listener.socket.inode};
}

Outcome<Started> start_successor(const Program& program, const ServiceManagerContact& contact,
                                 const OpenedListeners& listeners) {
  auto [ours, theirs] = DescriptorChannel::make_pair();
  std::vector<int> descriptors;
  std::vector<std::optional<OpenedByOlder>> origins;
  std::string names;
  for (const OpenedListener& listener : listeners) {
    descriptors.push_back(listener.socket.descriptor);
    origins.push_back(origin_of(listener));
    names += (names.empty() ? "" : ":") + listener.name;
  }
  const std::size_t channel = kFirstChildDescriptor + descriptors.size();
  descriptors.push_back(theirs.get());
  const auto watchdog = contact.watchdog.count();
  const auto pid = start_process(
      program,
      {{kListenDescriptors, std::to_string(listeners.size())},
       {kListenNames, unless_empty(std::move(names))},
       {kListenOrigins, unless_empty(origins_text(origins))},
       {kUpgradeVariable, std::to_string(channel)},
       {"NOTIFY_SOCKET", unless_empty(contact.socket)},
       {"WATCHDOG_USEC", watchdog > 0 ? std::optional(std::to_string(watchdog)) : std::nullopt},
       {"WATCHDOG_PID", std::nullopt}},
      kListenPid, descriptors);
  if (!pid) return tl::unexpected(pid.error());
  return Started{*pid, std::move(ours)};
}

}  // namespace fairlead
