// One core's part of the daemon: its sessions, their services, its wheel. Sans-IO: driven by
// common/io's Loop, or by a simulation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/net/transport.hpp"
#include "common/net/turn_client.hpp"
#include "server/core/counters.hpp"
#include "server/core/session_table.hpp"
#include "server/core/settings.hpp"
#include "server/core/shard_context.hpp"

namespace fairlead {

// The shard is the strand: everything it owns is touched by its loop's thread only, within a turn.
// What it is given outlives it.
class Shard final : public TurnClient {
 public:
  struct Environment {
    const ServerSettings& settings;
    TranscriptSink& transcript;
    FileStores& files;
    LogSink& log;
    LogSink& session_log;
    OutputBudget& output;  // of all shards
  };

  // `index` of `shards`: makes the connections' numbers unique in the daemon.
  Shard(const Environment& environment, TimePoint now, std::uint32_t index, std::uint32_t shards);
  ~Shard();

  // TurnClient.
  void begin_turn(TimePoint now) override;
  void on_timer() override;
  bool go_on() override;
  bool end_turn() override;
  std::optional<TimePoint> next_due() const override;

  // The rest is called within a turn.

  // Takes over a connection. `refused` is why it may not stay: it is told, where that costs no
  // wait, and closed. Throws nothing: where there is no memory for a session, it is one that has
  // ended.
  void accept(std::unique_ptr<Transport> transport, const ListenerSettings& listener,
              const PeerAddress& peer, CloseReason refused = CloseReason::none);

  // The two phases of a stop (docs/protocol.md, Endings). Framed clients are sent away at once; the
  // others are served on until evict_all.
  void begin_drain();
  void evict_all(CloseReason reason);

  // Lame duck: those who are there now are evicted one after the other, evenly over that time.
  // Until its turn each is served as ever. Either phase of a stop may follow at any time.
  void evict_over(Duration time, CloseReason reason);

  std::size_t sessions() const noexcept { return table_.size(); }

  // The sessions that are still being served.
  Census census();

  const Counters& counters() const noexcept { return context_.counters; }

  // The counters with what open sessions have moved so far. Walks them all, so that a message costs
  // no counter but its session's own.
  Counters report();

  // What unfinished messages hold of the shard's pool just now.
  std::size_t buffer_bytes() const noexcept { return context_.pool.bytes_in_use(); }
  // What waits to be sent, and unread behind that, in the blocks it takes.
  std::uint64_t queued_memory() const noexcept { return context_.output.used_bytes(); }

  // Called once for each session that had been let in, when it has been freed.
  std::function<void(const PeerAddress&)> on_session_freed;
  // Called once, when a stop has been begun and no session is left.
  std::function<void()> on_empty;

 private:
  TimePoint resume(TimePoint late);
  TimePoint next_wake() const;
  void flush_all();
  void flush_some_pushed();
  void keep_to_budget();
  void report_queues();
  void begin_relief(std::size_t count);
  void relieve_next();
  void end_relief();
  Session& make_session(std::unique_ptr<Transport> transport, const ListenerSettings& listener,
                        const PeerAddress& peer, std::uint64_t id);
  void free(Session& session);
  TimePoint next_eviction() const;
  void evict_next();

  ShardContext context_;
  OutputBudget& budget_;
  SessionTable table_;
  std::size_t may_go_on_ = 0;  // of the unfinished, in this turn: each once
  std::uint64_t next_id_;
  const std::uint32_t index_;
  const std::uint64_t id_step_;

  struct Evictions {
    TimePoint begun;
    Duration time;
    CloseReason reason;
    std::int64_t sessions;
    std::int64_t done = 0;
    std::uint32_t slot = 0;  // those before it have had their turn
  };
  std::optional<Evictions> evictions_;  // of a lame duck

  // Those with the largest queues, ended some in each turn.
  struct Relief {
    std::uint64_t from_bytes;  // so large, or larger, are the queues of those who go
    std::size_t larger;        // so many of them are larger,
    std::size_t equal;         // and so many are not
    std::uint32_t slot = 0;    // those before it have had their turn
    std::size_t ended = 0;
    std::uint64_t freed_bytes = 0;
  };
  std::optional<Relief> relief_;
  bool stopping_ = false;

  // The shard's time is the clock's less the gaps in which the daemon did not run.
  Duration skipped_{};
  TimePoint awaited_ = kNever;  // the latest that the next turn should have begun
  TimePoint forgiven_{};        // the last `awaited_` that a stall was forgiven for
};

}  // namespace fairlead
