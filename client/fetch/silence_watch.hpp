// Notices that a server has become silent, on a framed connection.
#pragma once

#include "client/api/client.hpp"

namespace fairlead {

// A server that hashes a large file says nothing, but answers a PING: when half of the time-out has
// passed without a byte, it is sent one. Owned by the owner of the client, whose deadline it uses.
class SilenceWatch {
 public:
  // 0: never.
  SilenceWatch(ClientShard& shard, Duration timeout)
      : shard_(shard), half_timeout_((timeout + Duration(1)) / 2) {}

  // Something was received, or is waited for from now on. Does nothing without a connection.
  void restart(Client& client);

  // Nothing is waited for.
  void stop(Client& client);

  // The client's deadline has come. True: the server is silent.
  [[nodiscard]] bool is_silent(Client& client);

 private:
  ClientShard& shard_;
  const Duration half_timeout_;
  std::uint64_t heard_bytes_ = 0;  // received when silence was last looked for
  bool is_pinged_ = false;
};

}  // namespace fairlead
