// What a client may ask of a service of type `file`, whatever protocol it speaks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/api/file_store.hpp"
#include "server/api/service.hpp"

namespace fairlead {

struct FileRequest {
  FrameType type;
  std::uint32_t id;           // of its pending reply
  std::string name;           // one byte above the limit stands for any number of them
  std::size_t message_bytes;  // for on_missing
  FileIdentity identity{};
  std::string after{};          // LIST
  std::uint64_t first = 0;      // GET: offset; HASH: chunk
  std::uint64_t count_max = 0;  // GET: bytes; LIST, HASH: entries; 0 there: the server chooses
};

// Nothing: shorter than its fields.
std::optional<FileRequest> read_file_request(Peer& peer, const Message& message);

// What the disk is asked first.
FileWork work_of(const FileRequest& request, std::uint64_t connection_id);

// A file of up to 1 MiB as the one reply to a message; plain clients get the bytes instead.
inline bool wants_one_reply(const FileRequest& request, const Peer& peer) {
  return request.type == FrameType::message && !peer.is_plain();
}
inline bool is_download(const FileRequest& request, const Peer& peer) {
  return request.type == FrameType::get || peer.is_plain();
}

}  // namespace fairlead
