// The daemon put together: listeners, a loop and a shard for each thread, and the way it stops.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/descriptor_reserve.hpp"
#include "common/io/loop.hpp"
#include "common/io/signals.hpp"
#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/config_source.hpp"
#include "server/app/connection_limit.hpp"
#include "server/app/listeners.hpp"
#include "server/app/outcome.hpp"
#include "server/app/shard_threads.hpp"
#include "server/app/shutdown.hpp"
#include "server/core/admission.hpp"
#include "server/core/settings.hpp"
#include "server/files/disk_store.hpp"

namespace fairlead {

// What a reload has prepared; none of it can fail any more.
struct DaemonChange {
  SettingsSnapshot settings;
  OpenedListeners opened;
  Log::Change log;
};

// Everything that serves, without the process around it: no signal, no limit. The log outlives
// it. run() is called on one thread, here called the main thread.
class Daemon {
 public:
  Daemon(SettingsSnapshot settings, Log& log, const ConnectionLimit& connections);
  ~Daemon();

  // Adds a part that is started before the daemon's own. It outlives the daemon's run.
  void add(Component& part) { components_.insert(components_.begin(), &part); }

  // Opens the listeners for which no socket has been inherited, and writes the ports file where
  // run_dir is set.
  Outcome<> open(InheritedSockets inherited = {});

  // Serves from what has been opened until a stop has ended.
  Outcome<> run();

  // ---- A reload; on the main thread, one at a time.

  const SettingsSnapshot& settings() const noexcept { return settings_; }
  HeldListeners hold_listeners() const { return listeners_.hold(); }
  // Changes to it as a whole, or to nothing of it. `done` is called with the failure, or when it is
  // in force; a stop that is asked for meanwhile begins behind that.
  void change(DaemonChange to, std::function<void(const Outcome<>&)> done);

  // ---- An upgrade (server/app/upgrade); on the main thread.

  // Instead of run(), begin_accepting() begins to accept, with numbers above `last_id` for
  // connections. Before open().
  void wait_for_order() { listeners_.wait_for_order(); }
  void begin_accepting(std::uint64_t last_id);
  // The listening sockets are no other process's any more.
  void own_listeners();
  // Ends the run, which has served nobody, with a failure.
  void fail(const std::string& why);

  // A stop that is asked for waits until release_stops(); `asked` is called for each.
  void hold_stops(std::function<void()> asked);
  void release_stops();
  bool is_changing() const noexcept { return is_changing_; }
  bool is_stopping() const noexcept { return is_stop_asked_; }
  // Another process serves from now on: what is left is said goodbye, and this one leaves.
  void hand_over() { request_stop(StopRequest::handed_over); }
  // Writes the ports file anew.
  void note_ports();

  // For a session that another process had admitted. No place: there is no memory to count it.
  AdmissionUnit take_over_place(const PeerAddress& peer, const std::string& listener);
  std::uint64_t last_id() const noexcept { return last_id_; }
  ShardThreads& shards() noexcept { return shards_; }
  Listeners& listeners() noexcept { return listeners_; }

  // From any thread. The log says which signal asks for it; none: nobody did by a signal.
  void request_stop(StopRequest request, const SignalEvent& cause = {});
  void log_counters();
  // Calls `answered` in a turn of the first loop when every loop has had a turn.
  void probe_loops(std::function<void()> answered);

  std::uint64_t connections() const { return admission_.connections(); }
  const Shutdown& shutdown() const noexcept { return shutdown_; }  // in turns of the first loop

  Loop& loop() noexcept { return shards_.first().loop; }  // the main thread's

 private:
  struct LogTranscript final : TranscriptSink {
    explicit LogTranscript(Log& to) : log(to) {}
    void print(std::string_view line) override { log.print(line); }

    Log& log;
  };

  Outcome<> start();
  void log_limits();
  void log_ready();
  void obey(Shutdown::Order order);
  enum class Mention : std::uint8_t { cause, nothing };
  void begin_phase(const char* event, std::function<void(Shard&)> act,
                   Mention mention = Mention::nothing);
  void log_stop(Level level, const char* event, const SignalEvent& cause,
                std::vector<Field> fields);
  void set_deadline();
  void on_shard_empty();
  void stop_components();
  void use(const std::shared_ptr<DaemonChange>& change, std::function<void()> done);
  CloseReason stop_reason() const noexcept;
  Outcome<> prepare_for_files(const ServerSettings& settings);
  void write_counters(const ShardReport& sum);

  DescriptorReserve reserve_{kReserveForRefusals};  // first, for its low numbers
  SettingsSnapshot settings_;                       // of now
  Log& log_;
  ConnectionLimit connections_;
  LogTranscript transcript_;
  FileShare files_;
  std::atomic<std::uint64_t> last_id_{0};  // of a connection
  Admission admission_;
  ShardThreads shards_;
  Listeners listeners_;
  std::vector<Component*> components_;
  Alarm deadline_;  // as all that follows, used in turns of the first loop
  Shutdown shutdown_;
  SignalEvent cause_;  // of the stop under way
  std::size_t shards_in_use_;
  std::atomic<bool> is_stop_asked_{false};
  bool is_changing_ = false;
  bool is_holding_stops_ = false;
  std::function<void()> on_stop_held_;
  std::vector<std::pair<StopRequest, SignalEvent>> stops_;  // that are held
  std::vector<ListeningSocket> left_;  // listening sockets of an older process that serve no more
  std::string failure_;                // of a run that has served nobody
  const TimePoint started_ = Loop::read_clock();
};

}  // namespace fairlead
