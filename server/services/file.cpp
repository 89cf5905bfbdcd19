// file: serves the files below a root, and nothing else of the machine.
//
// A plain client sends a name and gets the file's bytes, then the end of the connection, as the
// tutorials' downloader expects it. A missing name gets the end at once; a file that becomes
// shorter while it is sent ends in a reset, so that the client cannot take the part for the whole.
// A len32 client, or a framed one that sends a MESSAGE, gets a file of up to 1 MiB as its reply.
// Framed clients have frames of their own (docs/protocol.md, Files): what they get is one version
// of the file, or an error.
//
// Whatever may wait for a disk is the store's, which answers later.
#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/page_buffer.hpp"
#include "common/protocol/limits.hpp"
#include "common/text/escape.hpp"
#include "server/api/file_store.hpp"
#include "server/api/service_table.hpp"
#include "server/api/text_template.hpp"

namespace fairlead {
namespace {

// What one turn gives to the kernel for one client, at most: unread, or read.
constexpr std::size_t kLentBytes = 1024 * 1024;
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kPieceBytesMin = 32 * 1024;
constexpr std::uint64_t kWholeBytesMax = 1024 * 1024;

struct Request {
  FrameType type;
  std::uint32_t id;
  std::string name;         // one byte above the limit stands for any number of them
  std::size_t asked_bytes;  // of the message, for on_missing
  FileIdentity identity{};
  std::string after{};      // LIST
  std::uint64_t first = 0;  // GET: offset; HASH: chunk
  std::uint64_t most = 0;   // GET: bytes; LIST, HASH: entries; 0 there: the server chooses
};

// Keeps a download at `max_rate`: what has been sent at one time may be no more than the rate
// allows since the beginning. Who has been slower may catch up for a second's worth, not for an
// hour's.
class Pace {
 public:
  // When the next piece may be sent, if so much has been.
  TimePoint next(std::uint64_t sent, std::uint64_t rate, TimePoint now) {
    if (began_ == kNever) began_ = now;
    const TimePoint due = began_ + Duration(sent * 1000 / rate);
    constexpr Duration kCatchUp{1000};
    if (due < now - kCatchUp) began_ += now - kCatchUp - due;
    return due;
  }
  // A tenth of a second's worth: often enough to look steady.
  static std::size_t piece_bytes(std::uint64_t rate) {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(rate / 10, 1, kPieceBytes));
  }

 private:
  TimePoint began_ = kNever;
};

// A file on its way to a client.
struct Download {
  std::unique_ptr<OpenFile> file;
  std::uint64_t offset = 0, left = 0, sent = 0;
  std::size_t piece_bytes = kPieceBytes;  // of the next: about what the kernel may take
  Pace pace{};
  std::string whole{};  // what goes as one reply
};

// What one client has asked for and not got yet. Only the first of it is worked on, so answers are
// in order.
struct Conversation final : PeerState {
  std::deque<Request> waiting;
  std::unique_ptr<DownloadSlot> slot;  // for the first, where it is a download
  std::optional<Download> download;    // the first is being sent
  std::optional<FileAnswer> answer;    // what the task has come to
  bool asked = false;                  // there is, or was, a task for the first
  FileTask task;                       // goes before all that its answer is noted in
};

enum class Next : std::uint8_t {
  request,  // this one has its answer
  wait,     // on_writable will be called
  nothing,  // the peer has been closed, and its conversation is gone
};

std::string bounded(std::string_view name) {
  return std::string(name.substr(0, kFileNameBytesMax + 1));
}

class File final : public Service {
 public:
  File(const ServiceSettings& settings, ServiceEnvironment& environment)
      : settings_(settings.file),
        clock_(environment.clock),
        store_(environment.files.store_for(settings.file)),
        on_missing_(settings.transcript.on_missing),
        transcript_(environment.transcript) {}

 private:
  bool has_files() const noexcept override { return true; }

  void on_message(Peer& peer, const Message& message) override {
    std::optional<Request> request = read(peer, message);
    if (!request) return peer.reject("bad file request");
    if (!peer.state) peer.state = std::make_unique<Conversation>();
    request->id = peer.defer();
    auto& talk = conversation(peer);
    talk.waiting.push_back(std::move(*request));
    if (talk.waiting.size() == 1) on_writable(peer);
  }

  void on_writable(Peer& peer) override {
    auto& talk = conversation(peer);
    if (talk.waiting.empty()) return;
    if (serve(peer, talk) != Next::request) return;
    talk.download.reset();
    talk.slot.reset();
    talk.answer.reset();
    talk.asked = false;
    talk.waiting.pop_front();
    // When this answer has left, so that no client has more than one waiting for it.
    if (!talk.waiting.empty()) peer.call_when_writable();
  }

  static Conversation& conversation(Peer& peer) { return static_cast<Conversation&>(*peer.state); }

  // Empty: shorter than its fields.
  static std::optional<Request> read(Peer& peer, const Message& message) {
    Request request{.type = message.type, .id = 0, .name = {}, .asked_bytes = 0};
    switch (message.type) {
      case FrameType::stat:
        request.name = bounded(message.payload);
        break;
      case FrameType::list: {
        const auto asked = read_list_request(message.payload);
        if (!asked) return std::nullopt;
        request.name = bounded(asked->directory);
        request.after = bounded(asked->after);
        request.most = asked->entries_max;
        break;
      }
      case FrameType::get: {
        const auto asked = read_get_request(message.payload);
        if (!asked) return std::nullopt;
        request.name = bounded(asked->name);
        request.identity = asked->identity;
        request.first = asked->offset;
        request.most = asked->length;
        break;
      }
      case FrameType::hash: {
        const auto asked = read_hash_request(message.payload);
        if (!asked) return std::nullopt;
        request.name = bounded(asked->name);
        request.identity = asked->identity;
        request.first = asked->first;
        request.most = asked->chunks_max;
        break;
      }
      default:
        request.name = bounded(peer.text_of(message));
        request.most = kToTheEnd;
        break;
    }
    request.asked_bytes = message.payload.size();
    return request;
  }

  // Does what can be done now for the first request.
  Next serve(Peer& peer, Conversation& talk) {
    if (!store_) return refuse(peer, talk, CloseReason::no_such_file);
    if (talk.download) {
      if (!talk.answer) return Next::wait;  // for a read-ahead
      const auto* failed = std::get_if<CloseReason>(&*talk.answer);
      if (failed != nullptr && *failed != CloseReason::none) return refuse(peer, talk, *failed);
      return send(peer, talk);
    }
    if (!talk.asked) {
      // Before it is opened, so that those who come too many take no descriptor.
      if (is_download(peer, talk.waiting.front())) {
        talk.slot = store_->begin_download();
        if (!talk.slot) return refuse(peer, talk, CloseReason::server_full);
      }
      ask(peer, talk, work_of(peer, talk.waiting.front()));
    }
    if (!talk.answer) return Next::wait;
    FileAnswer answer = std::move(*talk.answer);
    const std::uint32_t id = talk.waiting.front().id;
    std::string payload;
    if (const auto* why_not = std::get_if<CloseReason>(&answer))
      return refuse(peer, talk, *why_not);
    if (auto* opened = std::get_if<std::unique_ptr<OpenFile>>(&answer))
      return begin(peer, talk, std::move(*opened));
    if (const auto* status = std::get_if<FileStatus>(&answer)) {
      append_status(payload, *status);
      peer.answer(id, FrameType::status, payload);
    } else if (const auto* listing = std::get_if<FileListing>(&answer)) {
      append_listing(payload, *listing);
      peer.answer(id, FrameType::listing, payload);
    } else {
      append_hashes(payload, std::get<FileHashes>(answer));
      peer.answer(id, FrameType::hashes, payload);
    }
    return Next::request;
  }

  // The answer may come within the call; it never comes once the conversation has gone.
  void ask(Peer& peer, Conversation& talk, FileWork work) {
    talk.asked = true;
    talk.answer.reset();
    talk.task = store_->start(std::move(work), [&peer, &talk](FileAnswer answer) {
      talk.answer.emplace(std::move(answer));
      peer.call_when_writable();
    });
  }

  static FileWork work_of(const Peer& peer, const Request& request) {
    switch (request.type) {
      case FrameType::stat:
        return LookAt{request.name};
      case FrameType::list:
        return ListDirectory{request.name, request.after, static_cast<std::size_t>(request.most)};
      case FrameType::hash:
        return HashFile{request.name, request.identity, request.first,
                        static_cast<std::size_t>(request.most), peer.connection_id()};
      default:
        return OpenForReading{request.name};
    }
  }

  static bool is_one_reply(const Peer& peer, const Request& request) {
    return request.type == FrameType::message && !peer.is_plain();
  }
  static bool is_download(const Peer& peer, const Request& request) {
    return request.type == FrameType::get || peer.is_plain();
  }

  Next begin(Peer& peer, Conversation& talk, std::unique_ptr<OpenFile> file) {
    const Request& request = talk.waiting.front();
    const FileIdentity identity = file->identity();
    if (!request.identity.is_any() && request.identity != identity)
      return refuse(peer, talk, CloseReason::file_changed);
    const std::uint64_t behind = identity.size - std::min(identity.size, request.first);
    Download download{
        .file = std::move(file), .offset = request.first, .left = std::min(behind, request.most)};
    if (is_one_reply(peer, request) && download.left > kWholeBytesMax) {
      peer.refuse(request.id, CloseReason::message_too_big, "the file is too big for one reply");
      return peer.is_open() ? Next::request : Next::nothing;
    }
    if (request.type == FrameType::get) {
      std::string payload;
      append_begin(payload, {identity, request.first, download.left});
      peer.answer_part(request.id, FrameType::begin, payload);
    }
    talk.download.emplace(std::move(download));
    return send(peer, talk);
  }

  // One piece, if it is in memory.
  Next send(Peer& peer, Conversation& talk) {
    Download& download = *talk.download;
    const Request& request = talk.waiting.front();
    if (download.left == 0) return complete(peer, talk);
    std::uint64_t most = download.left;
    if (const std::uint64_t rate = settings_.max_rate; rate != 0) {
      const TimePoint next = download.pace.next(download.sent, rate, clock_.now());
      if (next > clock_.now()) return put_off(peer, next);
      most = std::min<std::uint64_t>(most, Pace::piece_bytes(rate));
    }
    const auto at_most = [&most](std::size_t bytes) {
      return static_cast<std::size_t>(std::min<std::uint64_t>(most, bytes));
    };
    if (peer.is_plain()) {
      const FilePart part = download.file->cached_part(download.offset, at_most(kLentBytes));
      const std::size_t taken = part.size > 0 ? peer.offer_file(part) : 0;
      advance(download, taken);
      if (download.left == 0) return complete(peer, talk);
      if (taken > 0 || peer.awaits_room()) {
        peer.call_when_writable();
        return Next::wait;
      }
    }
    if (!piece_) piece_.emplace(kPieceBytes);
    char* const piece = piece_->at(download.offset);
    const OpenFile::Reading read =
        download.file->read_cached(download.offset, piece, at_most(download.piece_bytes));
    if (read.got == OpenFile::Got::not_in_memory) {
      ask(peer, talk, ReadAhead{*download.file, download.offset});
      return Next::wait;
    }
    if (read.got == OpenFile::Got::failed) return refuse(peer, talk, CloseReason::internal_error);
    const bool is_changed =
        read.got == OpenFile::Got::end || (!peer.is_plain() && !download.file->is_unchanged());
    if (is_changed) return refuse(peer, talk, CloseReason::file_changed);

    const Bytes bytes(piece, read.size);
    std::size_t taken = bytes.size();
    if (is_one_reply(peer, request)) {
      download.whole += bytes;
    } else {
      taken = peer.offer(request.id, bytes);
    }
    // What it does not take has been read in vain.
    if (!peer.is_plain()) download.piece_bytes = std::clamp(2 * taken, kPieceBytesMin, kPieceBytes);
    advance(download, taken);
    if (download.left == 0) return complete(peer, talk);
    peer.call_when_writable();
    return Next::wait;
  }

  static void advance(Download& download, std::size_t bytes) {
    download.offset += bytes;
    download.left -= bytes;
    download.sent += bytes;
  }

  Next put_off(Peer& peer, TimePoint until) {
    put_off_.emplace(until, &peer);
    clock_.wake_at(put_off_.begin()->first);
    return Next::wait;
  }

  void on_time() override {
    while (!put_off_.empty() && put_off_.begin()->first <= clock_.now()) {
      put_off_.begin()->second->call_when_writable();
      put_off_.erase(put_off_.begin());
    }
    if (!put_off_.empty()) clock_.wake_at(put_off_.begin()->first);
  }

  void on_close(Peer& peer, CloseReason) noexcept override {
    std::erase_if(put_off_, [&peer](const auto& one) { return one.second == &peer; });
  }

  Next complete(Peer& peer, Conversation& talk) {
    const Request& request = talk.waiting.front();
    if (request.type == FrameType::get) {
      std::string payload;
      append_end(payload, talk.download->sent);
      peer.answer(request.id, FrameType::end, payload);
    } else if (peer.is_plain()) {
      peer.close(CloseReason::completed);
      return Next::nothing;
    } else {
      peer.answer(request.id, FrameType::reply, talk.download->whole);
    }
    return Next::request;
  }

  // In place of what is still owed. A plain client that has been sent something learns of it by a
  // reset alone; so does one that must not take the end for an empty file.
  Next refuse(Peer& peer, Conversation& talk, CloseReason why) {
    const Request& request = talk.waiting.front();
    if (why == CloseReason::no_such_file) tell_missing(peer, request);
    if (peer.is_plain() && why != CloseReason::no_such_file) {
      peer.cut(why);
      return Next::nothing;
    }
    peer.refuse(request.id, why, explanation_of(why));
    return peer.is_open() ? Next::request : Next::nothing;
  }

  void tell_missing(Peer& peer, const Request& request) {
    const bool is_fetched = request.type == FrameType::message || request.type == FrameType::get;
    if (on_missing_.empty() || !is_fetched) return;
    std::string line;
    const std::string shown = escaped(request.name);
    on_missing_.render(line, {.text = shown,
                              .len = request.asked_bytes,
                              .peer = peer.address(),
                              .id = peer.connection_id()});
    transcript_.print(line);
  }

  const FileSettings& settings_;
  ServiceClock& clock_;
  std::unique_ptr<FileStore> store_;
  TextTemplate on_missing_;
  TranscriptSink& transcript_;
  std::multimap<TimePoint, Peer*> put_off_;  // downloads that wait because of max_rate
  // One for the shard: no download holds a buffer of its own. Made for the first.
  std::optional<PageBuffer> piece_;
};

}  // namespace

std::unique_ptr<Service> make_file_service(const ServiceSettings& settings,
                                           ServiceEnvironment& environment) {
  return std::make_unique<File>(settings, environment);
}

}  // namespace fairlead
