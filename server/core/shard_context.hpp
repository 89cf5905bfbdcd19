// What a session uses of its shard: everything here belongs to the shard, is shared by its sessions
// and touched by its thread only.
#pragma once

#include <string>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/time.hpp"
#include "common/base/timer_wheel.hpp"
#include "common/log/log_sink.hpp"
#include "server/api/service.hpp"
#include "server/api/service_environment.hpp"
#include "server/core/counters.hpp"
#include "server/core/dirty_list.hpp"
#include "server/core/output_budget.hpp"
#include "server/core/service_instance.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

class Session;

// Sessions that wait for a FIN after ours; beyond, the oldest is reset.
inline constexpr std::size_t kLingeringMax = 1000;

struct ShardContext {
  const ServerSettings& settings;
  TranscriptSink& transcript;
  LogSink& log;
  LogSink& session_log;

  BufferPool pool{};
  TimerWheel wheel;
  TimePoint now;                  // of this turn
  std::size_t offered_bytes = 0;  // of files, in this turn
  Counters counters{};
  OutputAccount output;   // what waits in the sessions' queues
  bool draining = false;  // framed clients are sent away as soon as they have shown themselves
  TimePoint stopping_since = kNever;  // the drain's deadline is over

  std::vector<std::unique_ptr<ServiceInstance>> services{};  // one for each [service.NAME]

  DirtyList dirty{};                  // to be flushed, or freed, at the end of the turn
  DirtyList pushed{};                 // to be flushed, some in each turn
  DirtyList unfinished{};             // had their share of a turn; go on in another
  std::vector<Session*> lingering{};  // closed by us, waiting for the peer's FIN; oldest first

  std::string text{};     // what Peer::text_of decodes into
  std::string encoded{};  // what replies are encoded into

  ServiceInstance& service(const ServiceSettings& wanted);
};

}  // namespace fairlead
