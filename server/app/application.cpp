#include "server/app/application.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "common/base/background_thread.hpp"
#include "common/io/listener.hpp"
#include "common/io/loop.hpp"
#include "common/io/signals.hpp"
#include "common/log/transcript.hpp"
#include "common/text/encoding.hpp"
#include "server/app/connection_limit.hpp"
#include "server/app/heap.hpp"
#include "server/app/listening.hpp"
#include "server/core/admission.hpp"
#include "server/core/output_budget.hpp"
#include "server/core/shard.hpp"
#include "server/files/beneath.hpp"
#include "server/files/disk_store.hpp"

namespace fairlead {
namespace {

// Replies above 2 ms: unlike percentiles these add up, over any number of lines.
std::uint64_t late_replies(const CoarseHistogram& times) {
  constexpr std::uint64_t kLate = 2000;  // us
  std::uint64_t late = 0;
  times.each([&](std::uint64_t, std::uint64_t greatest, std::uint64_t count) {
    if (greatest > kLate) late += count;
  });
  return late;
}

// A line of the transcript leaves through its own queue, so that a reader of stdout who has stalled
// stalls nobody.
class QueuedTranscript final : public TranscriptSink {
 public:
  explicit QueuedTranscript(LogSink& log) : lines_(log) {}
  void print(std::string_view line) override { lines_.print(line); }
  std::uint64_t lines_lost() const noexcept { return lines_.lines_lost(); }

 private:
  Transcript lines_;
};

// Every connection and every download is a descriptor, and the soft limit is usually a thousand of
// them.
ConnectionLimit raise_descriptor_limit(const ServerSettings& settings) {
  rlimit descriptors{};
  static_cast<void>(::getrlimit(RLIMIT_NOFILE, &descriptors));
  descriptors.rlim_cur = descriptors.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &descriptors));
  return connection_limit(descriptors.rlim_cur, settings);
}

// What a core has to say when asked: since the start, but the times since it was last asked.
struct Report {
  Counters counters;
  TurnTimes times;

  Report& operator+=(const Report& other) noexcept {
    counters += other.counters;
    times += other.times;
    return *this;
  }
};

// One thread's part: a loop, its shard, and the listeners that accept there.
struct Core {
  // What all cores share.
  struct Shared {
    const ServerSettings& settings;
    TranscriptSink& transcript;
    Log& log;
    FileShare& files;
    OutputBudget& output;
  };

  Core(const Shared& shared, std::uint32_t index, std::uint32_t count)
      : files(shared.files, shared.log,
              [this](std::function<void()> letter) { loop.post(std::move(letter)); }),
        shard({shared.settings, shared.transcript, files, shared.log, shared.log.sessions(),
               shared.output},
              Loop::read_clock(), index, count) {
    loop.drive(shard);
  }

  Report report() { return {shard.report(), loop.take_turn_times()}; }

  Loop loop;
  DiskFileStores files;
  Shard shard;
};

bool serves_files(const ServerSettings& settings) {
  return std::any_of(settings.services.begin(), settings.services.end(),
                     [](const auto& one) { return !one->file.root.empty(); });
}

// Without openat2(2) a name could lead out of its root.
Outcome check_confinement(const ServerSettings& settings) {
  if (!serves_files(settings) || can_confine()) return {};
  return {kExitRuntimeFailure, "files cannot be served safely: this kernel has no openat2(2)"};
}

class Daemon {
 public:
  Daemon(const ServerSettings& settings, Log& log, const ConnectionLimit& connections);

  Outcome run();

 private:
  // Takes the connections of one listening socket to their shards.
  class Entrance final : public ListenerClient {
   public:
    Entrance(Daemon& daemon, Core& own, OpenedListener opened)
        : daemon_(daemon),
          own_(own),
          settings_(*opened.settings),
          listener(own.loop, std::move(opened.socket), *this, daemon.reserve_) {}

    Loop& place() override { return daemon_.place(own_); }
    void accepted(Loop& loop, std::unique_ptr<Transport> transport,
                  const PeerAddress& peer) override {
      const CloseReason refused = daemon_.admission_.admit(peer, Loop::read_clock());
      daemon_.core_of(loop).shard.accept(std::move(transport), settings_, peer, refused);
    }
    void turned_away(Loop& loop, std::unique_ptr<Transport> transport,
                     const PeerAddress& peer) override {
      daemon_.core_of(loop).shard.accept(std::move(transport), settings_, peer,
                                         CloseReason::server_full);
    }
    void accept_failed(const std::string& why) override {
      daemon_.log_.warn("accept paused", {field("listener", settings_.name), field("why", why)});
    }

   private:
    Daemon& daemon_;
    Core& own_;
    const ListenerSettings& settings_;

   public:
    Listener listener;
    Core& core() { return own_; }
  };

  Loop& place(Core& accepting);
  Core& core_of(Loop& loop);
  void announce(const std::vector<OpenedListener>& opened);

  // How the daemon is on its way out.
  enum class Stop : std::uint8_t { none, lame_duck, drain };

  void on_signal(int number);
  void begin_stop(Stop how);
  void listener_stopped();
  void let_go();
  void on_deadline();
  void census_then(const char* event, const std::function<void(Core&)>& act);
  void core_emptied();
  void leave();
  void leave_at_once();
  void report_counters();
  void log_counters(const Report& sum);

  DescriptorReserve reserve_{kReserveForRefusals};  // first, for its low numbers
  const ServerSettings& settings_;
  Log& log_;
  QueuedTranscript transcript_;
  FileShare files_;
  const ConnectionLimit connections_;
  Admission admission_;
  OutputBudget output_;
  std::deque<std::unique_ptr<Core>> cores_;
  std::deque<std::unique_ptr<Entrance>> entrances_;
  std::optional<Signals> signals_;  // on the first core's loop, as is all that follows
  std::optional<Alarm> deadline_;
  std::size_t next_core_ = 0;
  std::size_t listeners_stopping_ = 0;
  std::size_t cores_in_use_ = 0;
  TimePoint evict_all_at_ = kNever;
  Stop stop_ = Stop::none;
  bool leaving_ = false;
};

Daemon::Daemon(const ServerSettings& settings, Log& log, const ConnectionLimit& connections)
    : settings_(settings),
      log_(log),
      transcript_(log),
      connections_(connections),
      admission_(settings.limits, settings.access, connections.meant, std::random_device{}()),
      output_(settings.limits.max_buffer_memory, settings.threads) {
  const Core::Shared shared{settings, transcript_, log, files_, output_};
  for (std::uint32_t i = 0; i < settings.threads; ++i) {
    Core& core = *cores_.emplace_back(std::make_unique<Core>(shared, i, settings.threads));
    core.shard.on_session_freed = [this](const PeerAddress& peer) { admission_.release(peer); };
    core.shard.on_empty = [this] { cores_.front()->loop.post([this] { core_emptied(); }); };
    // Converters are opened while there are descriptors, not at the first Chinese message.
    core.loop.post([this] {
      if (!open_converters()) log_.warn("encodings missing: GBK clients will not be understood");
    });
  }
}

Outcome Daemon::run() {
  if (Outcome confined = check_confinement(settings_); confined.exit_status != 0) return confined;
  // A turn is all that a core needs to do its part when memory is short.
  output_.ring = [this] {
    for (const auto& core : cores_) core->loop.post([] {});
  };
  const bool each_core_listens = settings_.accept == AcceptMode::reuseport;
  OpenedListeners opened = open_listeners(settings_, each_core_listens ? settings_.threads : 1);
  if (opened.outcome.exit_status != 0) return opened.outcome;
  if (!settings_.run_dir.empty()) {
    const Outcome written = write_ports_file(settings_.run_dir, opened.listeners);
    if (written.exit_status != 0) {
      close_listeners(opened.listeners);
      return written;
    }
  }
  Core& first = *cores_.front();
  signals_.emplace(first.loop, std::initializer_list<int>{SIGTERM, SIGINT, SIGQUIT, SIGUSR1},
                   [this](int number) { on_signal(number); });
  deadline_.emplace(first.loop);

  std::size_t turn = 0;
  for (const OpenedListener& one : opened.listeners) {
    Core& core = *cores_[each_core_listens ? turn++ % cores_.size() : 0];
    entrances_.push_back(std::make_unique<Entrance>(*this, core, one));
    core.loop.post([entrance = entrances_.back().get()] { entrance->listener.start(); });
  }
  announce(opened.listeners);

  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < cores_.size(); ++i) {
    threads.push_back(start_background_thread([core = cores_[i].get()] { core->loop.run(); }));
  }
  first.loop.run();
  for (std::thread& thread : threads) thread.join();
  files_.pool.stop();

  // The end has been decided. A signal that comes after its handler has gone would make it another
  // exit status.
  block_signals();
  Report sum;
  for (const auto& core : cores_) sum += core->report();
  log_counters(sum);
  log_.info("stopped");
  return {};
}

void Daemon::announce(const std::vector<OpenedListener>& opened) {
  log_.info("limits", {field("descriptors", connections_.descriptors),
                       field("max_connections", connections_.meant)});
  if (connections_.meant > connections_.possible) {
    log_.warn("max_connections exceeds the descriptors",
              {field("possible", connections_.possible)});
  }
  for (const OpenedListener& one : opened) {
    log_.info("listening",
              {field("listener", one.settings->name), field("address", one.socket.address.text())});
  }
  log_.info("ready", {field("name", settings_.name), field("threads", settings_.threads)});
}

Loop& Daemon::place(Core& accepting) {
  if (settings_.accept == AcceptMode::reuseport) return accepting.loop;
  next_core_ = (next_core_ + 1) % cores_.size();
  return cores_[next_core_]->loop;
}

Core& Daemon::core_of(Loop& loop) {
  return **std::find_if(cores_.begin(), cores_.end(),
                        [&loop](const auto& core) { return &core->loop == &loop; });
}

// ---- Signals and the end ----

void Daemon::on_signal(int number) {
  if (number == SIGUSR1) {
    log_.reopen();
    return report_counters();
  }
  const Stop asked = number == SIGQUIT ? Stop::lame_duck : Stop::drain;
  if (stop_ == Stop::none) return begin_stop(asked);
  if (asked == Stop::lame_duck) return;  // no more than what is under way
  if (stop_ == Stop::drain) return leave_at_once();
  stop_ = asked;
  if (listeners_stopping_ == 0) let_go();
}

// Stop listening first, then let go: whoever was waiting to be accepted is still served.
void Daemon::begin_stop(Stop how) {
  stop_ = how;
  cores_in_use_ = cores_.size();
  listeners_stopping_ = entrances_.size();
  for (const auto& entrance : entrances_) {
    entrance->core().loop.post([this, one = entrance.get()] {
      one->listener.stop([this] { cores_.front()->loop.post([this] { listener_stopped(); }); });
    });
  }
}

// The last connection is in its core's mailbox by now, ahead of what follows.
void Daemon::listener_stopped() {
  if (--listeners_stopping_ == 0) let_go();
}

// Once, or twice where a lame duck is cut short.
void Daemon::let_go() {
  const TimeoutSettings& timeouts = settings_.timeouts;
  const bool slowly = stop_ == Stop::lame_duck;
  if (slowly) {
    census_then("lame duck", [time = timeouts.lame_duck](Core& core) {
      core.shard.evict_over(time, CloseReason::draining);
    });
  } else {
    census_then("draining", [](Core& core) { core.shard.begin_drain(); });
  }
  evict_all_at_ =
      std::min(evict_all_at_, Loop::read_clock() + (slowly ? timeouts.lame_duck : timeouts.drain));
  deadline_->set(evict_all_at_, [this] { on_deadline(); });
}

void Daemon::on_deadline() {
  census_then(stop_ == Stop::lame_duck ? "lame duck deadline reached" : "drain deadline reached",
              [](Core& core) { core.shard.evict_all(CloseReason::draining); });
}

// Each core counts whom it still serves before it acts; the first one adds up and logs.
void Daemon::census_then(const char* event, const std::function<void(Core&)>& act) {
  auto left = std::make_shared<Shard::Census>();
  auto waiting = std::make_shared<std::size_t>(cores_.size());
  for (const auto& core : cores_) {
    core->loop.post([this, event, act, one = core.get(), left, waiting] {
      const Shard::Census counted = one->shard.census();
      act(*one);
      cores_.front()->loop.post([this, event, counted, left, waiting] {
        *left += counted;
        if (--*waiting > 0) return;
        log_.info(event, {field("text", left->text), field("len32", left->len32),
                          field("framed", left->framed), field("undecided", left->undecided)});
      });
    });
  }
}

void Daemon::core_emptied() {
  if (--cores_in_use_ == 0) leave();
}

void Daemon::leave() {
  if (std::exchange(leaving_, true)) return;
  signals_->stop();
  deadline_->cancel();
  for (const auto& core : cores_) {
    core->loop.post([loop = &core->loop] { loop->release(); });
  }
}

void Daemon::leave_at_once() {
  log_.warn("second signal: leaving at once");
  for (const auto& core : cores_) core->loop.stop();
}

// Each core reports in its own turn; the first one adds up.
void Daemon::report_counters() {
  auto sum = std::make_shared<Report>();
  auto waiting = std::make_shared<std::size_t>(cores_.size());
  for (const auto& core : cores_) {
    core->loop.post([this, one = core.get(), sum, waiting] {
      cores_.front()->loop.post([this, counted = one->report(), sum, waiting] {
        *sum += counted;
        if (--*waiting == 0) log_counters(*sum);
      });
    });
  }
}

void Daemon::log_counters(const Report& sum) {
  const Counters& counters = sum.counters;
  std::vector<Field> fields{field("accepted", counters.accepted),
                            field("open", counters.open),
                            field("bytes_in", counters.bytes_in),
                            field("bytes_out", counters.bytes_out),
                            field("messages_in", counters.messages_in),
                            field("messages_out", counters.messages_out),
                            field("messages_dropped", counters.messages_dropped),
                            field("relieved", counters.relieved),
                            field("stalls", counters.stalls),
                            field("turn_us_max", sum.times.turns.max()),
                            field("reply_us_p50", sum.times.replies.quantile(0.5)),
                            field("reply_us_p99", sum.times.replies.quantile(0.99)),
                            field("replies_timed", sum.times.replies.count()),
                            field("replies_late", late_replies(sum.times.replies))};
  fields.push_back(field("heap_in_use", heap_bytes_in_use()));
  fields.push_back(field("log_lost", log_.lines_lost() + log_.session_lines_lost()));
  fields.push_back(field("transcript_lost", transcript_.lines_lost()));
  for (std::size_t i = 1; i < counters.closed.size(); ++i) {
    if (counters.closed[i] > 0)
      fields.push_back(field(name_of(static_cast<CloseReason>(i)), counters.closed[i]));
  }
  log_.write(Level::info, "counters", fields);
}

}  // namespace

Outcome check_daemon(const ServerSettings& settings, Log& log) {
  if (Outcome confined = check_confinement(settings); confined.exit_status != 0) return confined;
  FileShare share;
  DiskFileStores files(share, log, [](const auto&) {});
  for (const auto& service : settings.services) {
    if (service->type == "file") static_cast<void>(files.store_for(service->file));
  }
  const OpenedListeners opened = open_listeners(settings, 1);
  close_listeners(opened.listeners);
  if (opened.outcome.exit_status != 0 || settings.run_dir.empty()) return opened.outcome;
  return check_ports_file(settings.run_dir);
}

Outcome run_daemon(const ServerSettings& settings, Log& log) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader of stdout that has gone is not the daemon's end
  return Daemon(settings, log, raise_descriptor_limit(settings)).run();
}

}  // namespace fairlead
