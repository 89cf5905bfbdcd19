// A whole shard with a virtual clock and fake connections: what the loop does in the daemon, a test
// does here.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/shard.hpp"
#include "tests/support/fake_stream.hpp"
#include "tests/support/fakes.hpp"
#include "tests/support/memory_files.hpp"

namespace fairlead {

// ServerSettings as the key table has them when nothing is written; add services and listeners.
ServerSettings default_settings();
ServiceSettings& add_service(ServerSettings& settings, const std::string& name,
                             const std::string& type);
ListenerSettings& add_listener(ServerSettings& settings, ListenerProtocol protocol,
                               const ServiceSettings* service);

// What a reload of an unchanged file makes.
ServerSettings copy_of(const ServerSettings& settings);

// One service of `type` (which is its name, too) behind one listener, where framed clients may open
// it by name.
ServerSettings settings_for(const std::string& type, ListenerProtocol protocol,
                            Boundary boundary = Boundary::line);

class TestShard;

// A client that is connected to a TestShard. After each order everything that follows from it
// without time passing has happened.
class TestClient {
 public:
  TestClient(TestShard& shard, FakeConditions conditions, std::uint64_t id)
      : wire(conditions), shard_(&shard), id_(id) {}

  TestClient& sends(Bytes bytes);
  // One delivery, and one settling, for each piece.
  TestClient& sends_pieces(const std::vector<Bytes>& pieces);
  TestClient& ends();
  TestClient& fails(StreamError error);
  TestClient& takes(std::size_t bytes);

  const std::string& received() const { return wire.received(); }
  // What has come since the last call.
  std::string news();
  // Its session's line in the log; "" while the session lives.
  std::string reason() const;
  // What waits for it in its connection; 0 once that has been freed.
  std::size_t queued_bytes() const;
  std::string log_field(const std::string& name) const;
  std::uint64_t id() const { return id_; }
  // An upgrade has taken it there.
  void is_now_of(TestShard& shard) { shard_ = &shard; }

  FakeConnection wire;

 private:
  TestShard* shard_;
  std::uint64_t id_;
  std::size_t seen_ = 0;
};

class TestShard {
 public:
  explicit TestShard(ServerSettings settings);
  ~TestShard();

  TestClient& connect(FakeConditions conditions = {}, std::size_t listener = 0,
                      CloseReason refused = CloseReason::none);
  TestClient& connect(FakeConditions conditions, std::size_t listener, Admission::Answer admission);

  // What an upgrade does: sessions of `from` that can go, at most so many, come here as bytes, and
  // their clients with them. What `fate` says of each is done; without it, what judge_place() says.
  // `first` is done in the turn that begins it. How many came.
  using Fate = std::function<Departed::Fate(const SessionState&)>;
  std::size_t take_over_from(TestShard& from, std::size_t sessions_max = kBatchSessionsMax,
                             const Fate& fate = {}, const std::function<void()>& first = {});

  // Runs the loop until nothing is left to do without time passing.
  void settle();
  // Lets time pass; timers ring when they are due.
  void advance(Duration time);
  void advance_to(TimePoint time);

  // The process is stopped for so long; then everything that is due or has arrived comes at once.
  void stop_for(Duration time) {
    skip_clock(time);
    advance_to(now_);
  }
  // The same at the end of a turn that does `work`.
  void stop_in_turn(Duration time, const std::function<void()>& work) {
    turn(work);
    stop_for(time);
  }
  // The clock alone; no turn sees it yet.
  void skip_clock(Duration time) { now_ += time; }

  // Changes the settings as a reload does. Listeners keep their numbers for connect(). Why it was
  // refused; empty: it is in force.
  std::string reload(ServerSettings settings);

  // Work of the test's own in a turn, then settles.
  void in_turn(const std::function<void()>& work);
  void begin_drain() {
    in_turn([this] { shard_->begin_drain(); });
  }
  void evict_over(Duration time) {
    in_turn([this, time] { shard_->evict_over(time, CloseReason::draining); });
  }
  void evict_all(CloseReason reason = CloseReason::draining) {
    in_turn([this, reason] { shard_->evict_all(reason); });
  }

  TimePoint now() const { return now_; }
  Shard& shard() { return *shard_; }
  ServerSettings& settings() { return *settings_; }
  const ServerSettings& settings() const { return *settings_; }
  std::deque<std::unique_ptr<TestClient>>& clients() { return clients_; }
  std::uint64_t closed(CloseReason reason) {
    return shard_->counters().closed[static_cast<std::size_t>(reason)];
  }
  std::uint64_t turns() const { return turns_; }

  CapturingLog log, session_log;
  CapturingTranscript transcript;
  MemoryFileStores files;

  SettingsSnapshot older_settings;     // optional: what the next to come has begun with
  std::function<void()> after_turn;    // optional
  std::mt19937_64* shuffle = nullptr;  // optional: the order in which connections are served
  std::function<void(TestClient&)> before_event;  // optional: conditions may change
  std::size_t pieces_per_turn =
      std::numeric_limits<std::size_t>::max();  // of TurnClient::run_deferred
  std::size_t events_per_turn = 1;              // of different connections

 private:
  void turn(const std::function<void()>& work);

  std::shared_ptr<ServerSettings> settings_;
  TimePoint now_{std::chrono::hours(1)};
  std::deque<std::unique_ptr<TestClient>> clients_;
  std::atomic<std::uint64_t> last_id_{0};
  std::unique_ptr<Shard> shard_;
  std::uint64_t turns_ = 0;
  bool deferred_posted_ = false;
};

}  // namespace fairlead
