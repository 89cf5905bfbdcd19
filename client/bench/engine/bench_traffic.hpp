// What goes over a connection under load: how an operation is sent, and what its reply must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "client/api/connection.hpp"
#include "client/bench/engine/operations.hpp"

namespace fairlead {

// Part of a BenchConnection; ends the operations it is given once they have been answered.
class BenchTraffic {
 public:
  virtual ~BenchTraffic() = default;

  // The first request of a new connection comes next.
  virtual void begin() = 0;

  // An operation sends something; else the server speaks first.
  virtual bool sends() const = 0;
  // An operation has a reply; else it is over when it has left.
  virtual bool awaits_reply() const = 0;
  virtual std::size_t request_bytes_max() const noexcept = 0;

  // Returns the request id; 0 where there are none.
  virtual std::uint32_t send(ServerConnection& connection, const MessageKey& key) = 0;

  // A frame, or plain bytes. False: the following bytes cannot be understood; give up the
  // connection.
  [[nodiscard]] virtual bool on_frame(const Frame& frame, BenchTime now) = 0;
  // The server has ended the connection in order. True: as it should.
  virtual bool on_server_end(BenchTime now) = 0;
  // A part of the oldest reply has come.
  virtual bool is_within_reply() const noexcept = 0;
};

// For the mode of the load.
std::unique_ptr<BenchTraffic> make_traffic(BenchScope& scope, Operations& operations);

}  // namespace fairlead
