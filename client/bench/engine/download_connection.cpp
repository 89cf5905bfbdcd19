#include "client/bench/engine/download_connection.hpp"

#include <utility>

#include "common/protocol/file_frames.hpp"

namespace fairlead {

DownloadConnection::DownloadConnection(BenchScope& scope, std::uint32_t index)
    : RequestConnection(scope, index) {
  const std::string& name = plan().load.file_name;
  if (plan().load.connection.protocol == Protocol::framed) {
    append_get_request(request_, {.identity = {}, .name = name});
  } else {
    request_ = name + "\n";
  }
}

std::uint32_t DownloadConnection::send_request(std::uint64_t) {
  if (plan().load.connection.protocol == Protocol::framed)
    return connection().send_frame(FrameType::get, channel(), request_, true);
  return connection().send(request_);
}

void DownloadConnection::on_first_request() {
  static_cast<void>(hash_.finish());
  bytes_ = 0;
}

void DownloadConnection::on_reply(const Frame& frame) {
  if (plan().load.connection.protocol != Protocol::framed) return take(frame.payload);
  const std::size_t which = index_of_request(frame.request_id);
  if (which == outstanding()) return;
  switch (frame.type) {
    case FrameType::data:
      return take(frame.payload);
    case FrameType::end:
      return complete(which);
    case FrameType::error:
      on_first_request();
      return refused(frame.request_id);
    default:
      return;
  }
}

void DownloadConnection::take(Bytes bytes) {
  hash_.update(bytes);
  bytes_ += bytes.size();
}

// Plain text: the end of the stream is the end of the file, though nobody can tell whether of all
// of it.
bool DownloadConnection::on_server_end() {
  if (!plan().connects_each || outstanding() == 0 || bytes_ == 0) return false;
  complete(0);
  return true;
}

void DownloadConnection::complete(std::size_t which) {
  const FileSeen seen{std::exchange(bytes_, 0), hash_.finish()};
  std::optional<FileSeen>& first = scope().first_download;
  if (!first) first = seen;
  if (seen.bytes != first->bytes) {
    return wrong(MismatchKind::length, which,
                 std::to_string(seen.bytes) + " bytes; the first download had " +
                     std::to_string(first->bytes));
  }
  if (seen.digest != first->digest)
    return wrong(MismatchKind::content, which, "another SHA-256 than that of the first download");
  answered(which);
}

void DownloadConnection::wrong(MismatchKind kind, std::size_t which, std::string note) {
  const Outstanding one = ring()[which];
  const MessageKey key = plan().key(index(), one.of_connection);
  scope().recorder.mismatched({.kind = kind,
                               .number = key.number + 1,
                               .connection = key.connection,
                               .of_connection = key.of_connection + 1,
                               .note = std::move(note)},
                              scope().recorder.began(one), delivered_at());
  over(which);
}

}  // namespace fairlead
