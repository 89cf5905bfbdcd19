// The listening sockets of the daemon: opened from the configuration, all of them or none, then
// accepted from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  ListeningSocket socket;
  std::uint32_t shard = 0;    // the shard whose loop accepts from it
  bool is_for_all = true;     // its connections go to all shards in turn; else to that one
  bool is_inherited = false;  // somebody else has opened it, and keeps it
};

// The socket options of a listener.
ListeningOptions listening_options(const ServerSettings& settings,
                                   const ListenerSettings& listener);

// Whether a listener may go without an address for which this machine has no IPv6: another kind of
// address is left to it.
bool may_be_left_out(const Endpoint& endpoint, const ListenerSettings& listener);

// Opens all of them that no inherited socket stands for; a failure leaves none open. With accept =
// reuseport every TCP address is opened once for each shard. What is left out, because this machine
// has no such address, is logged, and so are inherited sockets that serve no listener, which are
// closed.
using OpenedListeners = std::vector<OpenedListener>;
Outcome<OpenedListeners> open_listeners(const ServerSettings& settings, LogSink& log,
                                        InheritedSockets inherited = {});

// What two addresses of the configuration have in each other's way that only their names' numbers
// show; empty: nothing. Those that are written out have been compared before.
std::string conflict_of_names(const ServerSettings& settings, const Resolve& resolve);

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

  Outcome<> start() override;
  // Clients that wait are accepted, then every address refuses. The sessions go on.
  void begin_drain() override;

 private:
  class ListenerHandler;

  Loop& place(const ListenerHandler& handler);

  const Environment environment_;
  std::function<void()> on_drained_;
  std::size_t next_shard_ = 0;  // with accept = shared, when all listeners are the first loop's
  // Closed ones stay: connections that they have accepted may still be on their way to a shard.
  std::vector<std::unique_ptr<ListenerHandler>> handlers_;
  std::size_t closing_ = 0;  // the handlers that begin_drain() still waits for
};

}  // namespace fairlead
