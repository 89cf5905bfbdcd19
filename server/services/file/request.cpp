#include "server/services/file/request.hpp"

#include <string_view>

#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

std::string bounded(std::string_view name) {
  return std::string(name.substr(0, kFileNameBytesMax + 1));
}

}  // namespace

std::optional<FileRequest> read_file_request(Peer& peer, const Message& message) {
  FileRequest request{.type = message.type, .message_bytes = message.payload.size()};
  if (message.type == FrameType::stat) {
    request.work = StatFile{bounded(message.payload)};
  } else if (message.type == FrameType::list) {
    const auto list = read_payload<ListRequest>(message.payload);
    if (!list) return std::nullopt;
    request.work = ListDirectory{bounded(list->directory), bounded(list->after), list->entries_max};
  } else if (message.type == FrameType::get) {
    const auto get = read_payload<GetRequest>(message.payload);
    if (!get) return std::nullopt;
    request.work = OpenForReading{bounded(get->name)};
    request.identity = get->identity;
    request.offset = get->offset;
    request.length = get->length;
  } else if (message.type == FrameType::hash) {
    const auto hash = read_payload<HashRequest>(message.payload);
    if (!hash) return std::nullopt;
    request.work = HashFile{bounded(hash->name), hash->identity, hash->first, hash->chunks_max,
                            peer.connection_id()};
  } else {
    request.work = OpenForReading{bounded(peer.text_of(message)), bounded(message.payload)};
  }
  return request;
}

}  // namespace fairlead
