// The network as sockets: resolves names and connects.
#pragma once

#include "common/io/loop.hpp"
#include "common/net/network.hpp"

namespace fairlead {

// Used on its loop's thread; the loop outlives it and everything it has given out.
class Connector final : public Network {
 public:
  explicit Connector(Loop& loop) : loop_(loop) {}

  // A numeric host is answered without a thread; any other asks getaddrinfo(3) on one of its own,
  // which a resolver that does not answer keeps busy without holding anything up.
  [[nodiscard]] std::unique_ptr<Pending> resolve(
      const std::string& host, std::uint16_t port, AddressFamily family,
      std::function<void(Result<Resolved>)> done) override;

  [[nodiscard]] std::unique_ptr<Pending> connect(const Destination& destination,
                                                 const ConnectSettings& settings,
                                                 std::function<void(Connected)> done) override;

 private:
  Loop& loop_;
};

}  // namespace fairlead
