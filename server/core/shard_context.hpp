// What a session uses of its shard: everything here belongs to the shard, is shared by its sessions
// and touched by its thread only.
#pragma once

#include <string>
#include <vector>

#include "common/base/buffer_pool.hpp"
#include "common/base/time.hpp"
#include "common/base/timer_wheel.hpp"
#include "common/log/log_sink.hpp"
#include "server/core/counters.hpp"
#include "server/core/settings.hpp"
#include "server/service/service.hpp"
#include "server/service/service_environment.hpp"

namespace fairlead {

class Session;
struct ServiceInstance;

struct ShardContext {
  const ServerSettings& settings;
  TranscriptSink& transcript;
  LogSink& log;
  LogSink& session_log;

  BufferPool pool{};
  TimerWheel wheel;
  TimePoint now;  // of this turn
  Counters counters{};
  bool draining = false;  // framed clients are sent away as soon as they have shown themselves
  bool stopping = false;  // the drain's deadline is over

  std::vector<std::unique_ptr<ServiceInstance>> services{};  // one for each [service.NAME]

  std::vector<Session*> dirty{};       // to be flushed at the end of the turn
  std::vector<Session*> unfinished{};  // had their share of this turn; go on in the next
  std::vector<Session*> lingering{};   // closed by us, waiting for the peer's FIN; oldest first
  std::vector<Session*> finished{};    // to be freed at the end of the turn

  std::string text{};     // what Peer::text_of decodes into
  std::string encoded{};  // what replies are encoded into

  ServiceInstance& service(const ServiceSettings& wanted);
};

}  // namespace fairlead
