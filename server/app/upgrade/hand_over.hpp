// One attempt to hand over to a process that has been started: what the giver's machine
// (server/handover) asks for, done with a channel, the shards and the listeners.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/io/descriptor_channel.hpp"
#include "common/log/log.hpp"
#include "server/app/daemon.hpp"
#include "server/app/upgrade/departures.hpp"
#include "server/app/upgrade/older_daemons.hpp"
#include "server/app/upgrade/start_successor.hpp"
#include "server/handover/giver.hpp"

namespace fairlead {

// Owned by Giving; used on the main thread. It ends with one of the lines `upgraded` and
// `upgrade_failed`, then over(), once: until it is destroyed behind that, no session is halted.
class HandOver final : private GiverShell, private DescriptorChannelClient {
 public:
  enum class Result : std::uint8_t { given, failed };

  // All of these outlive it.
  struct Environment {
    Daemon& daemon;
    Log& log;
    Departures& departures;
    OlderDaemons& older;
    std::function<std::string()> configuration;
    std::function<void()> before_done;  // the new process is about to be told that it has all
    std::function<void(Result)> over;
  };

  HandOver(Environment environment, Started started, TimePoint begun);

  void begin();
  void abandon(const std::string& why);
  pid_t pid() const noexcept { return pid_; }

 private:
  // GiverShell.
  Sent send(std::string message, const std::vector<int>& descriptors) override;
  void pause_listeners() override;
  void resume_listeners() override;
  void collect(std::size_t sessions_max) override;
  void settle(const std::vector<Departed>& sessions) override;
  std::string stop_listening_to_taker() override;
  void kill_taker() override;
  void set_deadline() override;
  void on_given() override;
  void on_failed(const std::string& why) override;

  // DescriptorChannelClient.
  void received(Bytes bytes, const std::vector<int>& descriptors) override;
  void sent() override;
  void ended() override;

  // `missed` is called if nothing else is expected within that time.
  void expect(Duration time, std::function<void()> missed);
  void expect_nothing();
  void on_paused();
  void deliver();
  void report_given(const Census& kept);
  void end_when_settled();

  const Environment environment_;
  const pid_t pid_;
  const TimePoint begun_;
  DescriptorChannel channel_;
  Alarm deadline_;
  std::optional<std::chrono::steady_clock::time_point> deadline_at_;
  bool has_grace_ = false;  // the deadline has been put off once
  Giver giver_;
  // What has been collected while a message was still being sent: a batch goes by itself.
  std::optional<std::vector<Departing>> collected_;
  bool is_pausing_ = false;  // the listeners
  std::optional<std::string> failure_;
  bool has_channel_ended_ = false;
  bool is_told_ = false;  // over()
};

}  // namespace fairlead
