#include "server/services/file/service.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "common/text/escape.hpp"
#include "server/api/service_table.hpp"
#include "server/services/file/download.hpp"

namespace fairlead {
namespace {

// What goes as one reply.
constexpr std::uint64_t kReplyBytesMax = 1024 * 1024;

}  // namespace

FileService::FileService(const ServiceSettings& settings, ServiceEnvironment& environment)
    : settings_(settings.file),
      clock_(environment.clock),
      store_(environment.files.store_for(settings.file)),
      on_missing_(settings.transcript.on_missing),
      transcript_(environment.transcript) {}

void FileService::on_message(Peer& peer, const Message& message) {
  std::optional<FileRequest> request = read_file_request(peer, message);
  if (!request) return peer.reject("bad file request");
  if (!peer.state) peer.state = std::make_unique<Requests>();
  request->id = peer.defer();
  Requests& requests = requests_of(peer);
  requests.waiting.push_back(std::move(*request));
  if (requests.waiting.size() == 1) on_writable(peer);
}

// Does what can be done now for the first request. A download that is under way is its own body.
void FileService::on_writable(Peer& peer) {
  Requests& requests = requests_of(peer);
  if (requests.waiting.empty()) return;
  if (!store_) return refuse(peer, RequestError::no_such_file);
  if (!requests.is_asked) {
    // Before it is opened, so that downloads above the limit take no descriptor.
    if (is_download(requests.waiting.front(), peer)) {
      requests.slot = store_->begin_download();
      if (!requests.slot) return refuse(peer, RequestError::server_full);
    }
    ask(peer, requests);
  }
  if (requests.answer) answer(peer, requests);
}

// The answer may come within the call; it never comes once the requests have gone.
void FileService::ask(Peer& peer, Requests& requests) {
  requests.is_asked = true;
  requests.task =
      store_->start(requests.waiting.front().work, [&peer, &requests](FileAnswer answer) {
        requests.answer.emplace(std::move(answer));
        peer.call_when_writable();
      });
}

void FileService::answer(Peer& peer, Requests& requests) {
  FileAnswer answer = std::move(*requests.answer);
  requests.answer.reset();
  const std::uint32_t id = requests.waiting.front().id;
  if (const auto* why_not = std::get_if<RequestError>(&answer)) return refuse(peer, *why_not);
  if (auto* opened = std::get_if<std::unique_ptr<OpenFile>>(&answer))
    return begin(peer, requests, std::move(*opened));
  const auto send = [&peer, id](FrameType type, const auto& fields) {
    std::string payload;
    append_payload(payload, fields);
    peer.answer(id, type, payload);
  };
  if (const auto* status = std::get_if<FileStatus>(&answer)) send(FrameType::status, *status);
  if (const auto* listing = std::get_if<FileListing>(&answer)) send(FrameType::listing, *listing);
  if (const auto* hashes = std::get_if<FileHashes>(&answer)) send(FrameType::hashes, *hashes);
  finish_request(peer);
}

void FileService::begin(Peer& peer, Requests& requests, std::unique_ptr<OpenFile> file) {
  const FileRequest& request = requests.waiting.front();
  const FileIdentity identity = file->identity();
  if (!request.identity.is_any() && request.identity != identity)
    return refuse(peer, RequestError::file_changed);
  const std::uint64_t behind = identity.size - std::min(identity.size, request.offset);
  const std::uint64_t bytes = std::min(behind, request.length);
  Download::Form form = peer.is_plain() ? Download::Form::raw : Download::Form::frames;
  if (wants_one_reply(request, peer)) {
    form = Download::Form::one_reply;
    if (bytes > kReplyBytesMax) {
      peer.refuse(request.id, RequestError::message_too_big, "the file is too big for one reply");
      return peer.is_open() ? finish_request(peer) : void();
    }
  }
  if (form == Download::Form::frames) {
    std::string payload;
    append_payload(payload, FileBegin{identity, request.offset, bytes});
    peer.answer_part(request.id, FrameType::begin, payload);
  }
  peer.send_body(request.id,
                 std::make_unique<Download>(*this, peer, request.id, form, std::move(file),
                                            std::move(requests.slot), request.offset, bytes));
}

void FileService::finish_request(Peer& peer) {
  Requests& requests = requests_of(peer);
  requests.slot.reset();
  requests.is_asked = false;
  requests.waiting.pop_front();
  if (!requests.waiting.empty()) peer.call_when_writable();
}

void FileService::refuse(Peer& peer, RequestError why) {
  const FileRequest& request = requests_of(peer).waiting.front();
  if (why == RequestError::no_such_file) transcribe_missing(peer, request);
  if (peer.is_plain() && why != RequestError::no_such_file) return peer.cut(close_reason_of(why));
  peer.refuse(request.id, why, explanation_of(why));
  if (peer.is_open()) finish_request(peer);
}

void FileService::transcribe_missing(Peer& peer, const FileRequest& request) {
  const auto* fetched = std::get_if<OpenForReading>(&request.work);
  if (on_missing_.empty() || fetched == nullptr) return;
  std::string line;
  const std::string shown = escaped(fetched->name);
  const PeerAddress told = peer.told_address();
  on_missing_.render(
      line,
      {.text = shown, .len = request.message_bytes, .peer = told, .id = peer.connection_id()});
  transcript_.print(line);
}

// ---- Time and memory ----

void FileService::wake_later(Peer& peer, TimePoint at) {
  waking_.emplace(at, &peer);
  clock_.wake_at(waking_.begin()->first);
}

void FileService::on_time() {
  while (!waking_.empty() && waking_.begin()->first <= clock_.now()) {
    waking_.begin()->second->call_when_writable();
    waking_.erase(waking_.begin());
  }
  if (!waking_.empty()) clock_.wake_at(waking_.begin()->first);
}

void FileService::on_close(Peer& peer, CloseReason) noexcept {
  std::erase_if(waking_, [&peer](const auto& waking) { return waking.second == &peer; });
}

char* FileService::piece_buffer(std::uint64_t offset) {
  if (!piece_) piece_.emplace(kPieceBytesMax);
  return piece_->at(offset);
}

std::unique_ptr<Service> make_file_service(const ServiceSettings& settings,
                                           ServiceEnvironment& environment) {
  return std::make_unique<FileService>(settings, environment);
}

}  // namespace fairlead
