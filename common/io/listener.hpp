// Accepts connections at one listening socket and hands them to their loops.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/io/descriptor_reserve.hpp"
#include "common/io/listening_socket.hpp"
#include "common/io/loop.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/endpoint.hpp"

namespace fairlead {

// Decides where connections live and takes them there.
class ListenerClient {
 public:
  // Which loop is to serve the next connection. On the listener's thread.
  virtual Loop& place() = 0;

  // Takes over the connection. In a turn of the loop that was chosen, on its thread.
  virtual void accepted(Loop& loop, std::unique_ptr<ByteStream> stream,
                        const PeerAddress& peer) = 0;

  // Takes over a connection for which there was only a descriptor of the reserve: to be told so and
  // closed. In a turn of the listener's loop.
  virtual void turned_away(Loop& loop, std::unique_ptr<ByteStream> stream,
                           const PeerAddress& peer) = 0;

  // accept(2) failed for lack of something; the listener waits and tries again by itself. At most
  // once a second.
  virtual void accept_failed(const std::string& why) = 0;

 protected:
  ~ListenerClient() = default;
};

// Used on its loop's thread. paused ⇄ accepting ⇄ waiting → closed: an error never ends the accept
// loop, and never makes it spin. Without descriptors those who wait are let in on the reserve's, as
// many as it has, every 50 ms.
class Listener {
 public:
  // Takes over the socket. The client and the reserve outlive the listener.
  Listener(Loop& loop, ListeningSocket socket, ListenerClient& client, DescriptorReserve& reserve);
  ~Listener();

  void start();

  // Accepts nobody more and keeps the socket: who comes waits in the kernel, or is another
  // process's that has the socket, too. `paused` is called once, in a turn, within this call or
  // later, when nobody more will be handed to the client.
  void pause(std::function<void()> paused);
  void resume();

  // Accepts whoever is already waiting, unless it is paused, then closes. `stopped` is called once,
  // in a turn, within this call or later, when nobody more will be handed to the client; the
  // listener may then be destroyed.
  void stop(std::function<void()> stopped);

  const ListeningSocket& socket() const noexcept;

 private:
  struct Accepting;
  std::unique_ptr<Accepting> accepting_;
};

}  // namespace fairlead
