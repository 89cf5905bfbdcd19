// The new daemon's half of an upgrade (docs/decisions/0016). Pure: no process, no socket, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "server/handover/messages.hpp"
#include "server/handover/state.hpp"

namespace fairlead {

// What the machine asks for.
class TakerShell {
 public:
  // Sends one message. on_sent() follows once the kernel has all of it, never within the call, and
  // before on_end() where both are due.
  virtual void send(std::string message) = 0;

  // Serves from now on. Null: the old daemon has died before it said anything of itself. `older`
  // are channels to still older daemons, which are then the shell's.
  virtual void start_accepting(const GlobalState* global, const std::vector<int>& older) = 0;

  // Whether the session would have an equal place here; reads and writes nothing of it.
  virtual HandoverRefusal judge(const SessionState& session) = 0;
  // The session and its descriptor are ours.
  virtual void adopt(SessionState session, int descriptor) = 0;
  // close(2), and nothing that the connection would notice: it is the old daemon's.
  virtual void drop(int descriptor) = 0;

  // No more sessions will come. Once.
  virtual void on_taken() = 0;
  // Nothing was begun: this process ends, and the old one serves on. Once, in place of on_taken.
  virtual void give_up(const std::string& why) = 0;

 protected:
  ~TakerShell() = default;
};

// Owned by the daemon until it is over; used on the main thread. Made when everything is ready to
// accept.
//
// Invariant: a descriptor that came in is adopted, dropped or handed to start_accepting exactly
// once; it is adopted only behind an answer that the kernel has taken as a whole.
class Taker {
 public:
  explicit Taker(TakerShell& shell) : shell_(shell) {}

  // ---- Events; any may come at any time.

  // What has come, with the descriptors that came with it.
  void on_bytes(Bytes bytes, const std::vector<int>& descriptors);
  // The last message has been sent.
  void on_sent();
  // The old daemon has closed the channel or died, or nothing can be sent to it any more.
  void on_end();
  // timeouts.upgrade has passed since the machine was made.
  void on_deadline();

  bool is_over() const noexcept { return phase_ == Phase::over; }

 private:
  enum class Phase : std::uint8_t {
    greeting,  // HELLO is to come
    ready,     // GO is to come
    taking,    // a BATCH, or DONE
    answering,
    refusing,  // the stream is unreadable: nothing is read any more
    over,
  };

  bool has_begun() const noexcept { return phase_ > Phase::ready; }
  bool is_reading() const noexcept { return phase_ <= Phase::taking; }
  void read();
  void take(const HandoverMessage& message);
  void on_hello(Bytes fields);
  void on_go(const HandoverMessage& message);
  void on_batch(const HandoverMessage& message);
  std::vector<int> take_descriptors(std::size_t count);
  void drop_waiting();
  void on_damage();
  void fail(const std::string& why);

  TakerShell& shell_;
  HandoverReader reader_;
  Phase phase_ = Phase::greeting;
  std::deque<int> descriptors_;  // that have come and belong to no message yet
  std::vector<std::pair<SessionState, int>> accepted_;  // by the answer that is being sent
};

}  // namespace fairlead
