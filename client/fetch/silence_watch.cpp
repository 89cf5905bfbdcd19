#include "client/fetch/silence_watch.hpp"

#include <utility>

namespace fairlead {

void SilenceWatch::restart(Client& client) {
  if (client.connection() == nullptr) return;
  is_pinged_ = false;
  heard_bytes_ = client.connection()->received_bytes();
  client.set_deadline(deadline_after(shard_.now(), half_timeout_));
}

void SilenceWatch::stop(Client& client) { client.set_deadline(kNever); }

bool SilenceWatch::is_silent(Client& client) {
  if (client.connection()->received_bytes() != heard_bytes_) {
    restart(client);
    return false;
  }
  if (std::exchange(is_pinged_, true)) return true;
  client.connection()->ping("there?");
  client.set_deadline(deadline_after(shard_.now(), half_timeout_));
  return false;
}

}  // namespace fairlead
