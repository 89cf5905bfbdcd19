// What a connection and its conversation use of their shard: all of it belongs to the shard, is
// shared by its connections and touched by its thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/time.hpp"
#include "common/base/timer_wheel.hpp"
#include "common/log/log_sink.hpp"
#include "common/protocol/close_reason.hpp"
#include "server/core/connection_list.hpp"
#include "server/core/conversation.hpp"
#include "server/core/counters.hpp"
#include "server/core/output_budget.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// Connections that wait for a FIN after ours; beyond, the oldest is reset.
inline constexpr std::size_t kLingeringMax = 1000;

struct ShardContext {
  SettingsSnapshot settings;  // the newest
  LogSink& log;
  LogSink& session_log;
  BeginConversation begin_conversation;

  BufferPool pool{};
  TimerWheel wheel;
  TimePoint now;               // of this turn
  std::size_t body_bytes = 0;  // written past the queues in this turn
  Counters counters{};
  OutputBudget output;
  // Framed clients are sent away for it as soon as they have shown themselves; none: they are not.
  CloseReason draining_for = CloseReason::none;
  TimePoint stopping_since = kNever;  // the drain's deadline has passed

  ConnectionList dirty{};                // to be flushed, or freed, at the end of the turn
  ConnectionList deferred{};             // have asked for a turn of their own
  std::vector<Connection*> lingering{};  // closed by us, waiting for the peer's FIN; oldest first

  std::vector<std::unique_ptr<Conversation>> retired{};  // handed over in this turn

  std::string decoded_text{};  // what Peer::text_of decodes into
  std::string encoded_text{};  // what replies are encoded into
};

}  // namespace fairlead
