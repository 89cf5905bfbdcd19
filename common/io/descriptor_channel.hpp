// A stream between two processes that carries descriptors beside the bytes (SCM_RIGHTS, unix(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/descriptor.hpp"
#include "common/io/loop.hpp"

namespace fairlead {

// The kernel passes no more with one message (SCM_MAX_FD).
inline constexpr std::size_t kPassedDescriptorsMax = 253;

// Takes the events of one channel, each within a turn of its loop, never within a call to it. It
// may destroy the channel within any of them.
class DescriptorChannelClient {
 public:
  // What has come; the descriptors, which are not passed on to children, are the client's to close.
  // They come with the first byte of their message, or with bytes before it. Those for which this
  // process had no room are missing at the end.
  virtual void received(Bytes bytes, const std::vector<int>& descriptors) = 0;
  // The kernel has all of a message: once for each, in their order, and before ended().
  virtual void sent() = 0;
  // The other side has closed the channel or died, or it cannot be used any more. The last event.
  virtual void ended() = 0;

 protected:
  ~DescriptorChannelClient() = default;
};

// One end of a socketpair(2). Used on its loop's thread. What waits to be sent is the caller's to
// bound.
class DescriptorChannel {
 public:
  // A pair of connected ends, blocking as any program expects them. Throws std::system_error.
  static std::pair<Descriptor, Descriptor> make_pair();

  // The client outlives it.
  DescriptorChannel(Loop& loop, Descriptor socket, DescriptorChannelClient& client);
  ~DescriptorChannel();

  // Begins to receive.
  void start();

  // too_many: the kernel passes no more descriptors of this user at present (ETOOMANYREFS), and
  // nothing was sent; only where nothing else was waiting to be sent.
  enum class Sending : std::uint8_t { begun, too_many };
  // Sends the descriptors, at most kPassedDescriptorsMax, with the first byte of the message, which
  // is not empty. They stay the caller's, who keeps them open until sent().
  Sending send(std::string message, const std::vector<int>& descriptors = {});
  bool is_sending() const noexcept;

  // Receives nothing more: what comes waits, and no end is told. What was to be sent still is.
  void rest();
  // The end of the channel: the other side can send nothing any more, and what was to be sent is
  // not. Returns what it had sent before, without descriptors, which are closed.
  std::string stop_receiving();

  // The socket, and the end of the channel. What was to be sent is not.
  Descriptor release();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Whether the process at the other end of a channel still has it, or has died.
bool is_held_by_other(const Descriptor& channel) noexcept;

}  // namespace fairlead
