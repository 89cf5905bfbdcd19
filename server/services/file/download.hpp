// One file on its way to one client.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/api/body_source.hpp"
#include "server/api/file_store.hpp"
#include "server/services/file/service.hpp"

namespace fairlead {

// Keeps a download at `max_rate`: what has been sent at one time may be no more than the rate
// allows since the beginning. A client that has been slower may catch up for a second's worth, not
// for an hour's.
class Pace {
 public:
  // When the next piece may be sent, if so much has been.
  TimePoint next(std::uint64_t sent, std::uint64_t rate, TimePoint now);
  // A tenth of a second's worth: often enough to look steady.
  static std::size_t piece_bytes(std::uint64_t rate);

 private:
  TimePoint began_ = kNever;
};

// Owned by the channel. The service, the peer and the store outlive it.
//   framed, GET      DATA frames, then END
//   plain            raw bytes, then the end of the connection
//   framed, len32, MESSAGE  nothing until all has been read, then one reply
class Download final : public BodySource {
 public:
  enum class Form : std::uint8_t { frames, raw, one_reply };

  Download(FileService& service, Peer& peer, std::uint32_t request, Form form,
           std::unique_ptr<OpenFile> file, DownloadSlot slot, std::uint64_t offset,
           std::uint64_t bytes);

  Piece next(Means means) override;
  State advance(std::size_t bytes) override;

 private:
  Piece read_piece(std::size_t bytes_max);
  Piece read_ahead();
  Piece refuse(RequestError why);
  void complete();

  FileService& service_;
  Peer& peer_;
  const std::uint32_t request_;
  const Form form_;
  bool is_reading_ahead_ = false;
  RequestError read_ahead_failed_ = RequestError::none;
  std::unique_ptr<OpenFile> file_;
  DownloadSlot slot_;
  std::uint64_t offset_, left_;
  std::uint64_t sent_ = 0;
  std::size_t piece_bytes_;  // of the next: about what the kernel may take
  Pace pace_;
  std::string reply_;  // one_reply: what has been read
  FileTask task_;      // goes before all that its answer is noted in
};

}  // namespace fairlead
