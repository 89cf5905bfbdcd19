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
  FileRequest request{
      .type = message.type, .id = 0, .name = {}, .message_bytes = message.payload.size()};
  switch (message.type) {
    case FrameType::stat:
      request.name = bounded(message.payload);
      break;
    case FrameType::list: {
      const auto list = read_payload<ListRequest>(message.payload);
      if (!list) return std::nullopt;
      request.name = bounded(list->directory);
      request.after = bounded(list->after);
      request.count_max = list->entries_max;
      break;
    }
    case FrameType::get: {
      const auto get = read_payload<GetRequest>(message.payload);
      if (!get) return std::nullopt;
      request.name = bounded(get->name);
      request.identity = get->identity;
      request.first = get->offset;
      request.count_max = get->length;
      break;
    }
    case FrameType::hash: {
      const auto hash = read_payload<HashRequest>(message.payload);
      if (!hash) return std::nullopt;
      request.name = bounded(hash->name);
      request.identity = hash->identity;
      request.first = hash->first;
      request.count_max = hash->chunks_max;
      break;
    }
    default:
      request.name = bounded(peer.text_of(message));
      request.count_max = kToTheEnd;
      break;
  }
  return request;
}

FileWork work_of(const FileRequest& request, std::uint64_t connection_id) {
  const auto entries_max = static_cast<std::size_t>(request.count_max);
  switch (request.type) {
    case FrameType::stat:
      return LookAt{request.name};
    case FrameType::list:
      return ListDirectory{request.name, request.after, entries_max};
    case FrameType::hash:
      return HashFile{request.name, request.identity, request.first, entries_max, connection_id};
    default:
      return OpenForReading{request.name};
  }
}

}  // namespace fairlead
