// The daemon put together: listeners, a loop and a shard for each thread, and the way it stops.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/io/descriptor_reserve.hpp"
#include "common/io/loop.hpp"
#include "common/io/signals.hpp"
#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/connection_limit.hpp"
#include "server/app/listeners.hpp"
#include "server/app/outcome.hpp"
#include "server/app/shard_threads.hpp"
#include "server/app/shutdown.hpp"
#include "server/core/admission.hpp"
#include "server/core/settings.hpp"
#include "server/files/disk_store.hpp"

namespace fairlead {

struct ServiceManagerContact;

// The program: raises the limit of descriptors, takes the signals, and serves until one of them
// ends it. Called once, on the main thread.
Outcome<> run_daemon(const SettingsSnapshot& settings, Log& log,
                     const ServiceManagerContact& contact, InheritedSockets inherited);

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
  void obey(Shutdown::Order order);
  enum class Mention : std::uint8_t { cause, nothing };
  void begin_phase(const char* event, std::function<void(Shard&)> act,
                   Mention mention = Mention::nothing);
  void log_stop(Level level, const char* event, const SignalEvent& cause,
                std::vector<Field> fields);
  void set_deadline();
  void on_shard_empty();
  void stop_components();
  void write_counters(const ShardReport& sum);

  DescriptorReserve reserve_{kReserveForRefusals};  // first, for its low numbers
  const SettingsSnapshot settings_;
  Log& log_;
  const ConnectionLimit connections_;
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
  const TimePoint started_ = Loop::read_clock();
};

}  // namespace fairlead
