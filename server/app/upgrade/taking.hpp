// An upgrade, as the new process makes it: takes over from an older one, and then serves as any
// other (docs/decisions/0016).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/descriptor_channel.hpp"
#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/config_source.hpp"
#include "server/app/daemon.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/upgrade/contact.hpp"
#include "server/app/upgrade/older_daemons.hpp"
#include "server/handover/taker.hpp"

namespace fairlead {

// Used on the main thread. Does nothing in a process that no upgrade has started. Until the older
// process has given its order, nobody is accepted.
class Taking final : public Component, private TakerShell, private DescriptorChannelClient {
 public:
  // All of these outlive it.
  struct Environment {
    Daemon& daemon;
    ServiceManager& manager;
    Log& log;
    const ConfigSource& source;
    OlderDaemons& older;
  };

  Taking(const Environment& environment, UpgradeContact contact);

  // Something may still come from the older process.
  bool is_under_way() const noexcept { return channel_.has_value(); }

  Outcome<> start() override;
  // The older process serves on.
  void begin_drain() override;
  void stop() override;

 private:
  // TakerShell.
  void send(std::string message) override;
  void start_accepting(const GlobalState* global, const std::vector<int>& older) override;
  HandoverRefusal judge(const SessionState& session) override;
  void adopt(SessionState session, int descriptor) override;
  void drop(int descriptor) override;
  void on_taken() override;
  void give_up(const std::string& why) override;

  // DescriptorChannelClient.
  void received(Bytes bytes, const std::vector<int>& descriptors) override;
  void sent() override;
  void ended() override;

  void use_older_settings(const std::string& listing);
  void leave_channel();

  const Environment environment_;
  UpgradeContact contact_;
  Taker taker_;
  std::optional<DescriptorChannel> channel_;  // while sessions may come
  std::optional<Alarm> deadline_;
  SettingsSnapshot older_settings_;  // what the sessions have begun with; null: nothing is known
  std::uint64_t sessions_ = 0;
  std::size_t next_shard_ = 0;
  bool is_stopping_ = false;
};

}  // namespace fairlead
