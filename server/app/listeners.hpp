// The listening sockets of the daemon: opened from the configuration, all of them or none, then
// accepted from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/descriptor.hpp"
#include "common/io/descriptor_reserve.hpp"
#include "common/io/listening_socket.hpp"
#include "common/log/log_sink.hpp"
#include "server/app/component.hpp"
#include "server/app/inherited_sockets.hpp"
#include "server/app/shard_threads.hpp"
#include "server/core/admission.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// One listening socket, and the listener section it belongs to.
struct OpenedListener {
  std::string name;
  Endpoint written;  // the address as the section has it
  ListeningSocket socket;
  std::uint32_t shard = 0;    // the shard whose loop accepts from it
  bool is_for_all = true;     // its connections go to all shards in turn; else to that one
  bool is_inherited = false;  // somebody else has opened it, and keeps it
  bool is_lent = false;       // an older process accepts from it until it has handed over
};

// The listener that serves a socket under other settings; null: none.
const ListenerSettings* successor(const ServerSettings& settings, const std::string& name,
                                  const Endpoint& written, bool is_inherited);

// The socket options of a listener.
ListeningOptions listening_options(const ServerSettings& settings,
                                   const ListenerSettings& listener);

// Whether a listener may go without an address for which this machine has no IPv6: another kind of
// address is left to it.
bool may_be_left_out(const Endpoint& endpoint, const ListenerSettings& listener);

using OpenedListeners = std::vector<OpenedListener>;

// A listening socket of this process, which another thread may use as long as it is held.
struct HeldListener {
  std::string name;
  Endpoint written;
  bool is_inherited;
  Descriptor duplicate;
};
using HeldListeners = std::vector<HeldListener>;

// Opens all addresses that no inherited socket stands for; a failure leaves none open. With accept
// = reuseport every TCP address is opened once for each shard. What is left out, because this
// machine has no such address, is logged, and so are inherited sockets that serve no listener,
// which are closed. Those that an older process had opened for listeners that are no more are added
// to `left`, for close_listening_socket() once it has handed over.
Outcome<OpenedListeners> open_listeners(const ServerSettings& settings, LogSink& log,
                                        InheritedSockets inherited = {},
                                        std::vector<ListeningSocket>* left = nullptr);

// The same for a reload: addresses that are held stay as they are. One that is held and that the
// settings no longer have may be in the way of a new one, as 127.0.0.1:80 is of 0.0.0.0:80: both
// listen until the old one closes.
Outcome<OpenedListeners> open_new_listeners(const ServerSettings& settings, LogSink& log,
                                            const HeldListeners& held);

// What two addresses of the configuration have in each other's way that only their names' numbers
// show; empty: nothing. Those that are written out have been compared before.
std::string conflict_of_names(const ServerSettings& settings, const Resolve& resolve);

// Closes them, and removes the paths of unix sockets that are not lent.
void close_listeners(const OpenedListeners& listeners);

// Accepts at the sockets it is given and takes each connection through admission to its shard. Owns
// the sockets and the paths of unix sockets: a path goes when its listener closes. Used on the main
// thread: before the first loop runs, then in turns of it.
class Listeners final : public Component {
 public:
  // All of these outlive it.
  struct Environment {
    ShardThreads& shards;
    Admission& admission;
    DescriptorReserve& reserve;
    LogSink& log;
  };

  // `on_drained` is called once, in a turn of the first loop, when begin_drain() has closed every
  // listener and no further connection will come to a shard.
  Listeners(const Environment& environment, std::function<void()> on_drained);
  ~Listeners() override;

  // Takes sockets over, wherever they were opened; each belongs to a listener of `settings`. Before
  // start().
  void add(const SettingsSnapshot& settings, const OpenedListeners& opened);

  // Begins to accept, unless wait_for_order() was called: then accept() does.
  Outcome<> start() override;
  // Clients that wait are accepted, unless it is paused, then every address refuses. The sessions
  // go on. Not while change() is under way.
  void begin_drain() override;

  // ---- An upgrade. Within turns of the first loop, but for wait_for_order().

  void wait_for_order() noexcept { is_waiting_ = true; }
  bool is_waiting() const noexcept { return is_waiting_; }
  void accept();

  // Keeps the sockets and accepts nobody more, until resume(). `done` is called once, in a turn of
  // the first loop, when all connections that were accepted are in the queues of their shards.
  void pause(const std::function<void()>& done);
  void resume();
  // Another process has the sockets, too, and the paths of unix sockets are that one's to remove;
  // or they are ours from now on.
  void leave_paths() { set_lent(true); }
  void own_paths() { set_lent(false); }

  // ---- A reload. Within turns of the first loop.

  // What is listened at, with the names of now.
  OpenedListeners opened() const;
  HeldListeners hold() const;

  // Addresses that `settings` names, too, serve its listeners from now on, `opened` are listened
  // at, and then the others close as in begin_drain(). `done` is called once, in a turn of the
  // first loop, when all connections that were accepted for older settings are in the queues of
  // their shards.
  void change(const SettingsSnapshot& settings, const OpenedListeners& opened,
              std::function<void()> done);
  // Behind that, when those queues have been worked off.
  void forget_closed();

 private:
  class ListenerHandler;
  using Handlers = std::vector<std::shared_ptr<ListenerHandler>>;

  void begin(const std::shared_ptr<ListenerHandler>& handler, const std::function<void()>& begun);
  void close(const Handlers& handlers, const std::function<void()>& done);
  // What is to be called `times` times from any thread, to call `done` in a turn of the first loop.
  std::function<void()> countdown(std::size_t times, std::function<void()> done);

  Loop& place(const ListenerHandler& handler);
  void set_lent(bool is_lent);

  const Environment environment_;
  std::function<void()> on_drained_;
  std::size_t next_shard_ = 0;  // with accept = shared, when all listeners are the first loop's
  Handlers handlers_;
  // Connections that they have accepted may still be on their way to a shard.
  Handlers closed_;
  bool is_waiting_ = false;
};

}  // namespace fairlead
