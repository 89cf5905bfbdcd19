#include "server/app/daemon.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <random>
#include <ranges>
#include <string>
#include <utility>

#include "server/app/heap.hpp"
#include "server/app/ports_file.hpp"
#include "server/app/stats.hpp"
#include "server/files/beneath.hpp"

namespace fairlead {
namespace {

// Without openat2(2) a name could lead out of its root.
Outcome<> check_confinement(const ServerSettings& settings) {
  const std::string why = settings.serves_files() ? why_not_confined() : std::string();
  if (why.empty()) return {};
  return failure(why);
}

Shutdown::Times stop_times(const ServerSettings& settings) {
  const TimeoutSettings& times = settings.timeouts;
  return {.drain = times.drain, .lame_duck = times.lame_duck, .upgrade_drain = times.upgrade_drain};
}

// An answer of a shard that says only that it is done.
struct Nothing {
  Nothing& operator+=(const Nothing&) noexcept { return *this; }
};

}  // namespace

Daemon::Daemon(SettingsSnapshot settings, Log& log, const ConnectionLimit& connections)
    : settings_(std::move(settings)),
      log_(log),
      connections_(connections),
      transcript_(log),
      admission_(settings_->limits, settings_->access, connections.configured,
                 std::random_device{}()),
      shards_({settings_, transcript_, log, files_, last_id_}),
      listeners_({shards_, admission_, reserve_, log},
                 [this] { obey(shutdown_.on_listeners_closed(Loop::read_clock())); }),
      components_{&shards_, &listeners_},
      deadline_(shards_.first().loop),
      shutdown_(stop_times(*settings_)),
      shards_in_use_(shards_.size()) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = shards_.at(i).shard;
    shard.on_empty = [this] { loop().post([this] { on_shard_empty(); }); };
  }
}

// After a failure threads may still run, and use what is destroyed before them.
Daemon::~Daemon() {
  shards_.abort();
  shards_.join();
}

Outcome<> Daemon::open(InheritedSockets inherited) {
  if (Outcome<> files = prepare_for_files(*settings_); !files) return files;
  const auto opened = open_listeners(*settings_, log_, std::move(inherited), &left_);
  if (!opened) return tl::unexpected(opened.error());
  listeners_.add(settings_, *opened);
  if (settings_->run_dir.empty() || listeners_.is_waiting()) return {};
  return write_ports_file(settings_->run_dir, *opened);
}

Outcome<> Daemon::prepare_for_files(const ServerSettings& settings) {
  if (Outcome<> confined = check_confinement(settings); !confined) return confined;
  return settings.serves_files() ? shards_.start_file_pool() : Outcome<>();
}

Outcome<> Daemon::run() {
  if (Outcome<> started = start(); !started) {
    stop_components();
    return started;
  }
  log_limits();
  if (!listeners_.is_waiting()) log_ready();

  shards_.run_first();
  shards_.join();
  if (!failure_.empty()) return failure(failure_);
  ShardReport sum;
  for (std::size_t i = 0; i < shards_.size(); ++i) sum += shards_.at(i).report();
  write_counters(sum);
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(Loop::read_clock() - started_);
  log_.info("stopped", {field("uptime", uptime.count())});
  return {};
}

Outcome<> Daemon::start() {
  for (Component* part : components_)
    if (Outcome<> started = part->start(); !started) return started;
  return {};
}

void Daemon::log_ready() {
  log_.info("ready", {field("name", settings_->name), field("threads", settings_->threads)});
}

void Daemon::log_limits() {
  log_.info("limits", {field("descriptors", connections_.descriptors),
                       field("max_connections", connections_.configured)});
  if (connections_.configured > connections_.possible)
    log_.warn("max_connections exceeds the descriptors",
              {field("possible", connections_.possible)});
  if (settings_->limits.max_connections == 0 && connections_.possible < kUsefulConnections)
    log_.warn("few_descriptors", {field("possible", connections_.possible),
                                  field("what_to_do", &kAllowMoreDescriptors[2])});
}

// ---- The stop ----

void Daemon::request_stop(StopRequest request, const SignalEvent& cause) {
  is_stop_asked_ = true;
  loop().post([this, request, cause] {
    if (is_holding_stops_) {
      stops_.push_back({request, cause});
      return on_stop_held_();
    }
    const Shutdown::Order order = shutdown_.on_request(request, Loop::read_clock());
    // A further lame duck changes nothing; a drain does, be it later.
    if (request == StopRequest::drain || order != Shutdown::Order::none) cause_ = cause;
    obey(order);
  });
}

void Daemon::obey(Shutdown::Order order) {
  const bool is_lame_duck = shutdown_.kind() == StopRequest::lame_duck;
  switch (order) {
    case Shutdown::Order::none:
      return;
    case Shutdown::Order::close_listeners:
      for (Component* part : components_ | std::views::reverse) part->begin_drain();
      return;
    case Shutdown::Order::begin_lame_duck:
      begin_phase(
          "lame duck",
          [time = settings_->timeouts.lame_duck](Shard& shard) {
            shard.evict_over(time, CloseReason::draining);
          },
          Mention::cause);
      return set_deadline();
    case Shutdown::Order::begin_drain:
      begin_phase(
          "draining", [reason = stop_reason()](Shard& shard) { shard.begin_drain(reason); },
          Mention::cause);
      return set_deadline();
    case Shutdown::Order::evict:
      return begin_phase(is_lame_duck ? "lame duck deadline reached" : "drain deadline reached",
                         [reason = stop_reason()](Shard& shard) { shard.evict_all(reason); });
    case Shutdown::Order::cut:
      log_stop(Level::warn, "second signal: leaving at once", cause_, {});
      return begin_phase("cut", [](Shard& shard) { shard.cut_all(CloseReason::draining); });
    case Shutdown::Order::finish:
      // Behind what the loops have still to say for the log.
      return probe_loops([this] { stop_components(); });
  }
}

CloseReason Daemon::stop_reason() const noexcept {
  const bool is_replaced = shutdown_.kind() == StopRequest::handed_over;
  return is_replaced ? CloseReason::restart : CloseReason::draining;
}

// Each shard counts the sessions that it still serves before it acts.
void Daemon::begin_phase(const char* event, std::function<void(Shard&)> act, Mention mention) {
  shards_.gather(
      [act = std::move(act)](ShardThread& thread) {
        const Census left = thread.shard.census();
        act(thread.shard);
        return left;
      },
      [this, event, cause = mention == Mention::cause ? cause_ : SignalEvent()](
          const Census& left) { log_stop(Level::info, event, cause, census_fields(left)); });
}

// With the signal that asked for it, and whose it was.
void Daemon::log_stop(Level level, const char* event, const SignalEvent& cause,
                      std::vector<Field> fields) {
  const std::string signal = cause.name();
  if (cause.number != 0) fields.push_back(field("signal", signal));
  if (cause.has_sender) {
    fields.push_back(field("sender_pid", cause.sender_pid));
    fields.push_back(field("sender_uid", cause.sender_uid));
  }
  log_.write(level, event, fields);
}

void Daemon::set_deadline() {
  deadline_.set(shutdown_.deadline(), [this] { obey(shutdown_.on_deadline()); });
}

void Daemon::on_shard_empty() {
  if (--shards_in_use_ == 0) obey(shutdown_.on_last_session_ended());
}

void Daemon::stop_components() {
  deadline_.cancel();
  for (Component* part : components_ | std::views::reverse) part->stop();
}

// ---- A reload ----

// Whatever may fail comes first, and every shard has made its services before the first one uses
// them.
void Daemon::change(DaemonChange to, std::function<void(const Outcome<>&)> done) {
  const auto change = std::make_shared<DaemonChange>(std::move(to));
  Outcome<> possible = shutdown_.is_under_way() ? failure("the daemon stops") : Outcome<>();
  if (possible) possible = prepare_for_files(*change->settings);
  if (!possible) {
    close_listeners(change->opened);
    return done(possible);
  }
  is_changing_ = true;
  hold_stops([] {});
  const auto prepared = [this, change, done](const std::string& why) {
    if (why.empty())
      return use(change, [this, done] {
        is_changing_ = false;
        release_stops();
        done({});
      });
    shards_.for_each([](ShardThread& thread) { thread.shard.drop_prepared(); });
    close_listeners(change->opened);
    is_changing_ = false;
    release_stops();
    done(failure(why));
  };
  shards_.gather([settings = change->settings](
                     ShardThread& thread) { return thread.shard.prepare_settings(settings); },
                 prepared);
}

void Daemon::use(const std::shared_ptr<DaemonChange>& change, std::function<void()> done) {
  settings_ = change->settings;
  connections_ = connection_limit(connections_.descriptors, *settings_);
  log_.change(std::move(change->log));
  log_limits();
  admission_.change(settings_->limits, settings_->access, connections_.configured);
  shutdown_.change_times(stop_times(*settings_));
  const auto forgotten = [this, done = std::move(done)](const Nothing&) {
    listeners_.forget_closed();
    note_ports();
    done();
  };
  const auto accepting = [this, forgotten] {
    shards_.gather(
        [](ShardThread& thread) {
          thread.shard.forget_old_settings();
          return Nothing();
        },
        forgotten);
  };
  shards_.gather(
      [](ShardThread& thread) {
        thread.use_settings();
        return Nothing();
      },
      [this, change, accepting](const Nothing&) {
        listeners_.change(change->settings, change->opened, accepting);
      });
}

// What has been opened serves in any case.
void Daemon::note_ports() {
  if (settings_->run_dir.empty()) return;
  if (const Outcome<> written = write_ports_file(settings_->run_dir, listeners_.opened()); !written)
    log_.error("ports_file_failed", {field("what", written.error().what)});
}

// ---- An upgrade ----

void Daemon::begin_accepting(std::uint64_t last_id) {
  last_id_ = last_id;
  listeners_.accept();
  note_ports();
  log_ready();
}

void Daemon::own_listeners() {
  listeners_.own_paths();
  for (const ListeningSocket& socket : std::exchange(left_, {})) {
    log_.info("listener_closed", {field("address", socket.address.text())});
    close_listening_socket(socket);
  }
}

void Daemon::fail(const std::string& why) {
  failure_ = why;
  request_stop(StopRequest::drain);
}

void Daemon::hold_stops(std::function<void()> asked) {
  is_holding_stops_ = true;
  on_stop_held_ = std::move(asked);
}

void Daemon::release_stops() {
  is_holding_stops_ = false;
  for (const auto& [request, cause] : std::exchange(stops_, {})) request_stop(request, cause);
}

AdmissionUnit Daemon::take_over_place(const PeerAddress& peer, const std::string& listener) {
  try {
    return admission_.take_over(peer, listener);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

// ---- Counters ----

void Daemon::log_counters() {
  shards_.gather([](ShardThread& thread) { return thread.report(); },
                 [this](const ShardReport& sum) {
                   write_counters(sum);
                   give_memory_back();
                 });
}

void Daemon::probe_loops(std::function<void()> answered) {
  shards_.gather([](ShardThread&) { return 0; },
                 [answered = std::move(answered)](int) { answered(); });
}

void Daemon::write_counters(const ShardReport& sum) {
  const ProcessFigures process{.heap_in_use = heap_bytes_in_use(),
                               .log_lost = log_.lines_lost() + log_.session_lines_lost(),
                               .transcript_lost = log_.transcript_lines_lost()};
  log_.report(Level::info, "counters", counter_fields(sum, process));
}

}  // namespace fairlead
