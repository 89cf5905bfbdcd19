// A connection that downloads one file again and again.
#pragma once

#include <cstdint>

#include "client/bench/engine/request_connection.hpp"
#include "common/hash/sha256.hpp"

namespace fairlead {

// The mode file. framed: GETs of the whole file, on a connection that stays; text: the name and LF,
// and the stream to its end, on a connection for each. Every download must be what the thread's
// first one was: as long, and with the same SHA-256.
class DownloadConnection final : public RequestConnection {
 public:
  DownloadConnection(BenchScope& scope, std::uint32_t index);

 private:
  // RequestConnection.
  std::uint32_t send_request(std::uint64_t of_connection) override;
  std::size_t request_bytes_max() const noexcept override { return request_.size(); }
  bool awaits_reply() const override { return true; }
  void on_first_request() override;

  // BenchConnection.
  void on_reply(const Frame& frame) override;
  bool on_server_end() override;
  bool is_within_reply() const override { return bytes_ > 0; }

  void take(Bytes bytes);
  void complete(std::size_t which);
  void wrong(MismatchKind kind, std::size_t which, std::string note);

  std::string request_;  // what is sent for the file
  Sha256 hash_;          // of the download that comes
  std::uint64_t bytes_ = 0;
};

}  // namespace fairlead
