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
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "common/base/page_buffer.hpp"
#include "server/api/file_store.hpp"
#include "server/api/service_environment.hpp"
#include "server/api/service_settings.hpp"
#include "server/api/text_template.hpp"
#include "server/services/file/request.hpp"

namespace fairlead {

// One per shard and [service.NAME].
class FileService final : public Service {
 public:
  FileService(const ServiceSettings& settings, ServiceEnvironment& environment);

  bool has_files() const noexcept override { return true; }
  void on_message(Peer& peer, const Message& message) override;
  void on_writable(Peer& peer) override;
  void on_close(Peer& peer, CloseReason reason) noexcept override;
  void on_time() override;

  // ---- For its downloads.

  // What a download reads at a time, at most.
  static constexpr std::size_t kPieceBytesMax = 256 * 1024;

  const FileSettings& settings() const noexcept { return settings_; }
  ServiceClock& clock() const noexcept { return clock_; }
  FileStore& store() const noexcept { return *store_; }
  // Room for one piece that is read from `offset`. One for the shard: no download holds a buffer of
  // its own.
  char* piece_buffer(std::uint64_t offset);
  // call_when_writable() at `at`.
  void wake_later(Peer& peer, TimePoint at);
  // The first request has its answer: the next one's turn comes when that has left, so that no
  // client has more than one waiting for it.
  void finish_request(Peer& peer);
  // In place of the answer to the first request. A plain client that has been sent something learns
  // of it by a reset alone; so does one that must not take the end for an empty file.
  void refuse(Peer& peer, RequestError why);

 private:
  // What one client has asked for and not got yet. Only the first request is worked on, so answers
  // are in order.
  struct Requests final : PeerState {
    bool is_dispensable() const noexcept override { return waiting.empty(); }

    std::deque<FileRequest> waiting;
    DownloadSlot slot;                 // for the first, where it is a download
    std::optional<FileAnswer> answer;  // what the task has come to
    bool is_asked = false;             // there is, or was, a task for the first
    FileTask task;                     // goes before all that its answer is noted in
  };
  static Requests& requests_of(Peer& peer) { return static_cast<Requests&>(*peer.state); }

  void ask(Peer& peer, Requests& requests);
  void answer(Peer& peer, Requests& requests);
  void begin(Peer& peer, Requests& requests, std::unique_ptr<OpenFile> file);
  void transcribe_missing(Peer& peer, const FileRequest& request);

  const FileSettings& settings_;
  ServiceClock& clock_;
  std::unique_ptr<FileStore> store_;  // null: nothing is served
  TextTemplate on_missing_;
  TranscriptSink& transcript_;
  std::multimap<TimePoint, Peer*> waking_;  // downloads that wait because of max_rate
  std::optional<PageBuffer> piece_;         // made for the first
};

}  // namespace fairlead
