// What a client may ask of a service of type `file`, whatever protocol it speaks.
#pragma once

#include <cstdint>
#include <optional>

#include "server/api/file_store.hpp"
#include "server/api/service.hpp"

namespace fairlead {

struct FileRequest {
  FrameType type;
  std::size_t message_bytes;  // for on_missing
  FileWork work{};            // what the disk is asked; in names one byte too many is enough
  std::uint32_t id = 0;       // of its pending reply
  // The part of a file, and of which version.
  FileIdentity identity{};
  std::uint64_t offset = 0, length = kToTheEnd;
};

// Nothing: shorter than its fields.
std::optional<FileRequest> read_file_request(Peer& peer, const Message& message);

// A file of up to 1 MiB as the one reply to a message; plain clients get the bytes instead.
inline bool wants_one_reply(const FileRequest& request, const Peer& peer) {
  return request.type == FrameType::message && !peer.is_plain();
}
inline bool is_download(const FileRequest& request, const Peer& peer) {
  return request.type == FrameType::get || peer.is_plain();
}

}  // namespace fairlead
