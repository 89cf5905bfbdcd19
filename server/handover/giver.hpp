// The old daemon's half of an upgrade (docs/decisions/0016): what is said to the new one, and what
// becomes of each session. Pure: no process, no socket, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "server/handover/messages.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

// A session that is halted, and may go.
struct Departing {
  std::uint64_t id;
  int descriptor;
  std::string record;  // append_fields(SessionState)
};

// What becomes of it.
struct Departed {
  enum class Fate : std::uint8_t {
    taken,     // the new daemon has it: our descriptor is closed, and nothing else is done
    refused,   // it goes on here, and is not offered again
    returned,  // it goes on here, and may be offered again
  };
  std::uint64_t id;
  Fate fate;

  bool operator==(const Departed&) const = default;
};

// What the machine asks for. Answers come in events of their own, never within the call.
class GiverShell {
 public:
  // Within limits.batch_sessions_max sends one message, the descriptors with its first byte.
  // too_many: the kernel passes no more of this user's descriptors at present (ETOOMANYREFS), and
  // nothing was sent.
  enum class Sent : std::uint8_t { yes, too_many };
  virtual Sent send(std::string message, const std::vector<int>& descriptors) = 0;

  // Accepts nothing more, and keeps the listening sockets: on_paused() follows.
  virtual void pause_listeners() = 0;
  virtual void resume_listeners() = 0;

  // Halts sessions that can go, at most so many of them, and about kBatchBytes: on_collected()
  // follows.
  virtual void collect(std::size_t sessions_max) = 0;
  virtual void settle(const std::vector<Departed>& sessions) = 0;

  // From now on the new daemon can send nothing; what it had sent before (shutdown(SHUT_RD), then
  // read to the end).
  virtual std::string stop_listening_to_taker() = 0;
  virtual void kill_taker() = 0;  // it may live for a moment yet

  // on_deadline() follows when timeouts.upgrade has passed; replaces the one before.
  virtual void set_deadline() = 0;

  // The end, once: DONE follows. The listeners are closed, and the rest is said goodbye.
  virtual void on_given() = 0;
  // The new daemon is being killed; this one serves on as if nothing had been.
  virtual void on_failed(const std::string& why) = 0;

 protected:
  ~GiverShell() = default;
};

// Owned by the daemon for the time of one upgrade; used on the main thread.
//
// Invariant: a session that was collected is settled exactly once.
class Giver {
 public:
  explicit Giver(GiverShell& shell) : shell_(shell) {}

  enum class Gives : std::uint8_t { listeners, sessions };
  // The new daemon has been started, and is to have this.
  void begin(Gives gives);

  // ---- Events; any may come at any time, and behind the end they are ignored, but for a
  // collection, which is then returned.

  void on_bytes(Bytes bytes);  // of the new daemon
  // Nothing of this daemon's is accepted any more. `older` are the channels to older daemons.
  void on_paused(const GlobalState& global, const std::vector<int>& older);
  // None: a walk over all sessions has found none that can go.
  void on_collected(std::vector<Departing> sessions);
  void on_deadline();
  // The channel has ended, the new daemon has exited (`why` says how), or this one is to stop.
  void abandon(const std::string& why);

  bool is_over() const noexcept { return phase_ == Phase::over; }

  // Sessions, by what became of them; the first is those that were taken.
  const std::array<std::uint64_t, kHandoverRefusalCount>& counts() const noexcept {
    return counts_;
  }

 private:
  enum class Phase : std::uint8_t { starting, pausing, collecting, giving, over };

  void take(const HandoverMessage& message);
  void on_ready(Bytes fields);
  void on_answer(Bytes fields);
  void on_refuse_all(Bytes fields);
  bool settle_by(const HandoverAnswer& answer);
  void settle_open(Departed::Fate fate);
  void collect_more();
  void complete();
  void fail(const std::string& why);

  GiverShell& shell_;
  HandoverReader reader_;
  Phase phase_ = Phase::starting;
  bool gives_sessions_ = false;   // as long as the new daemon wants them
  bool has_paused_ = false;       // the listeners
  std::uint32_t number_ = 0;      // of the last batch
  std::vector<Departing> batch_;  // that is not answered
  std::size_t sessions_max_ = kBatchSessionsMax;
  std::array<std::uint64_t, kHandoverRefusalCount> counts_{};
};

}  // namespace fairlead
