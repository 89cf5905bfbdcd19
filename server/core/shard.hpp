// One thread's part of the daemon: its connections, their services, its wheel. Sans-IO: driven by
// common/io's Loop, or by a simulation.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/byte_stream.hpp"
#include "common/net/turn_client.hpp"
#include "server/core/admission.hpp"
#include "server/core/connection_table.hpp"
#include "server/core/counters.hpp"
#include "server/core/service_set.hpp"
#include "server/core/settings.hpp"
#include "server/core/shard_context.hpp"
#include "server/handover/giver.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

// Whether a session of another process would have a place of the same kind here.
HandoverRefusal judge_place(const SessionState& session, const ServerSettings& settings);

// The shard is the strand: everything it owns is touched by its loop's thread only, within a turn.
// What it is given outlives it.
class Shard final : public TurnClient {
 public:
  struct Environment {
    SettingsSnapshot settings;
    TranscriptSink& transcript;
    FileStores& files;
    LogSink& log;
    LogSink& session_log;
    BeginConversation begin_conversation;
    std::atomic<std::uint64_t>& last_id;  // of the daemon's connections, which count from 1
  };

  // `shards` share max_buffer_memory.
  Shard(const Environment& environment, TimePoint now, std::uint32_t shards);
  ~Shard();

  // TurnClient.
  void begin_turn(TimePoint now) override;
  void on_timer() override;
  bool run_deferred() override;
  bool end_turn() override;
  std::optional<TimePoint> next_due() const override;

  // The rest is called within a turn.

  // ---- A reload: prepare_settings(), then use_settings() or drop_prepared(); and
  // forget_old_settings() once no listener accepts for older ones any more.

  // Makes the services of `settings`; nothing else changes. Returns why they cannot be had; empty:
  // they are there.
  std::string prepare_settings(SettingsSnapshot settings);
  void drop_prepared() { prepared_.reset(); }
  // What is in force for everybody is so from now on, but for the time-outs of connections, which
  // are gone through in slices. Connections keep the services that they have begun with.
  void use_settings();
  void forget_old_settings();
  const ServerSettings& settings() const noexcept { return *context_.settings; }  // in use

  // ---- Connections

  // Takes over a stream. One that is refused is told why, where that costs no wait, and closed. The
  // listener is one of the settings in use, or of older ones that are not forgotten.
  // Throws nothing: where there is no memory for a connection, it counts as one that has ended.
  void accept(std::unique_ptr<ByteStream> stream, const ListenerSnapshot& listener,
              const PeerAddress& peer, Admission::Answer admission);

  // The two phases of a stop (docs/protocol.md, Endings). Framed clients are told at once and end;
  // the others are served on until evict_all.
  void begin_drain(CloseReason reason = CloseReason::draining);
  void evict_all(CloseReason reason);
  // Ends every connection by a reset, in this turn.
  void cut_all(CloseReason reason);

  // Lame duck: the connections of now are evicted one after the other, evenly over that time. Each
  // is served as ever until then. Either phase of a stop may follow at any time.
  void evict_over(Duration time, CloseReason reason);

  // ---- An upgrade (docs/decisions/0016). Not while the daemon stops: end_moves() comes first.

  // Those that an earlier upgrade has not wanted are asked again.
  void begin_walk();
  // Halts sessions that can go to another process, at most so many of them, and tells `done` in
  // this turn or a later one. None: a walk over all of them has found none that can go.
  void begin_moves(std::size_t sessions_max, std::function<void(std::vector<Departing>)> done);
  // What has become of those that were told, or of some of them.
  void end_moves(const std::vector<Departed>& fates);

  // Another process has served by `settings`: its sessions go on with them where they are taken
  // over for a listener of theirs, before forget_old_settings(). Returns why they cannot; empty:
  // they can.
  std::string add_older_settings(SettingsSnapshot settings);

  // Goes on with a session of another process, which has a place here: the listener is one of the
  // settings in use, or of older ones that are not forgotten. Throws nothing: where there is no
  // memory for it, it counts as one that has ended.
  void take_over(std::unique_ptr<ByteStream> stream, const ListenerSnapshot& listener,
                 const SessionState& state, AdmissionUnit unit);

  std::size_t connections() const noexcept { return table_.size(); }
  // Calls visit(const Connection&) for each.
  template <class Visit>
  void for_each(Visit&& visit) {
    table_.for_each([&visit](const Connection& connection) { visit(connection); });
  }

  // The connections that are still served, by protocol.
  Census census();

  const Counters& counters() const noexcept { return context_.counters; }

  // The counters with the traffic of open connections so far. Walks them all, so that a message
  // costs no counter but its connection's own.
  Counters report();

  const BufferPool& pool() const noexcept { return context_.pool; }
  // What waits to be sent, and unread behind that, in the blocks it takes.
  const OutputBudget& output() const noexcept { return context_.output; }

  // Called once, when a stop has been begun and no connection is left.
  std::function<void()> on_empty;

 private:
  TimePoint discount_stall(TimePoint late);
  TimePoint next_wake() const;
  void flush_all();
  void shed_largest();
  // Connection's arguments but for the shard and the slot come from `make(slot)`.
  template <class Make>
  Connection& make_connection(Make&& make);
  void count_failed(const ListenerSettings& listener, std::uint64_t id, CloseReason reason,
                    const char* what);
  std::size_t halt_some();
  void report_moves();
  std::vector<Departing> saved();
  void free(Connection& connection);
  std::shared_ptr<ServiceSet> make_services(SettingsSnapshot settings) const;
  OfferSnapshot offer_of(const ListenerSettings& listener) const;
  void run_services();
  void refresh_some();
  TimePoint next_eviction() const;
  void evict_next();

  ShardContext context_;
  const std::uint32_t shards_;
  TranscriptSink& transcript_;
  FileStores& files_;
  std::vector<std::shared_ptr<ServiceInstance>> services_;  // all that run, in use or outlived
  std::vector<std::shared_ptr<ServiceSet>> service_sets_;   // the one in use is the last
  struct Prepared {
    SettingsSnapshot settings;
    std::shared_ptr<ServiceSet> services;
  };
  std::optional<Prepared> prepared_;
  ConnectionTable table_;
  std::size_t turns_left_ = 0;  // of the deferred connections, in this turn: each once
  std::atomic<std::uint64_t>& last_id_;

  struct Evictions {
    TimePoint begun;
    Duration time;
    CloseReason reason;
    std::int64_t connections;
    std::int64_t done = 0;
    std::uint32_t slot = 0;  // those before it have been evicted
  };
  std::optional<Evictions> evictions_;  // of a lame duck

  // Behind a reload: the slots from there on are still to look at their time-outs.
  std::optional<std::uint32_t> refreshed_to_;
  bool is_user_timeout_changed_ = false;  // in that reload

  // Sessions that are on their way to another process, until end_moves().
  struct Moving {
    std::uint32_t slot;
    std::uint64_t id;
  };
  Connection* find(const Moving& moving) noexcept;
  std::vector<Moving> moving_;
  std::function<void(std::vector<Departing>)> tell_moves_;  // set: some are being halted
  std::size_t moves_max_ = 0;                               // sessions at a time
  std::uint32_t walk_slot_ = 0;                             // those before it have been asked
  bool has_walk_found_any_ = false;
  bool has_refused_any_ = false;

  bool stopping_ = false;

  // The shard's time is the clock's less the gaps in which the daemon did not run.
  Duration skipped_{};
  TimePoint turn_due_ = kNever;  // when the next turn should have begun, at the latest
  TimePoint discounted_at_{};    // the shard's time behind the last stall
};

}  // namespace fairlead
