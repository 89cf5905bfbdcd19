// The download of one file: the requests, the meaning of the answers, and when it is complete.
// Sans-IO. See docs/decisions/0011 for the design and docs/protocol.md (Files) for the frames.
//
// A chunk is right if its SHA-256 is, wherever its bytes came from. The identity only ensures that
// all requests are about one version.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "client/fetch/chunk_ledger.hpp"
#include "client/fetch/fetch_target.hpp"
#include "common/protocol/close_reason.hpp"
#include "common/protocol/frame.hpp"

namespace fairlead {

// How a fetch ended.
enum class FetchEnd : std::uint8_t {
  complete,
  cannot_write,  // the target said why
  changed,       // the version is not the one that was begun, and may not or cannot begin again
  unexpected,    // another SHA-256 than the user expects
  differs,       // the target only compares, and is another file
  corrupt,       // what arrives keeps differing from the hashes
  refused,       // the server said why: `told`
  lost,          // the connection was lost, and no try is left
  interrupted,   // given up by the user
};

struct FetchOutcome {
  FetchEnd end = FetchEnd::complete;
  CloseReason told = CloseReason::none;
  std::string what = {};  // one sentence without full stop; may hold bytes of the server: escape it
};

// Called within calls of the fetch; must not destroy it.
class FetchObserver {
 public:
  // The download starts again with another version. `what` is for the user.
  virtual void on_changed(std::string_view what) = 0;

  // Chunks that an earlier attempt had verified have been damaged since.
  virtual void on_damaged(std::uint64_t chunks) = 0;

  // There may be more to request.
  virtual void on_more() = 0;

  // The download has ended. The last call.
  virtual void on_ended(const FetchOutcome& outcome) = 0;

 protected:
  ~FetchObserver() = default;
};

// One request until its last answer. Owned by its sender.
struct FetchTask {
  FrameType type = FrameType::get;  // or hash
  std::string payload = {};
  std::uint64_t version = 0;           // of those the fetch has seen: it may be outdated
  std::uint64_t first = 0, count = 0;  // get: chunks, but for those that have come
  std::uint64_t offset = 0;            // get: of the next byte
  std::uint64_t length = 0;            // get: bytes that are asked for, if the file has them
  std::uint64_t start = 0, end = 0;    // get: what BEGIN said will come
  bool begun = false;                  // get: BEGIN has come
  PartialChunk partial = {};           // get: the chunk that `offset` is in
};

class FileFetch {
 public:
  struct Settings {
    bool restarts = true;                     // when the file changed: begin again, else end
    std::uint32_t shares = 1;                 // of how many connections; >= 1
    std::uint32_t changes_max = 10;           // as often
    std::optional<Sha256Digest> sha256 = {};  // what the file must have
  };
  // Chunks in one request: few enough for several connections to share a file.
  static constexpr std::uint64_t kRunChunks = 32;
  static constexpr std::uint64_t kStreamRunChunks = 4;  // what waits in memory to be shown in order
  // How often a chunk may arrive with a wrong hash.
  static constexpr std::uint32_t kWrongMax = 4;

  // `name` is the remote name. The references outlive this object.
  FileFetch(std::string name, FetchTarget& target, const Settings& settings,
            FetchObserver& observer);

  // Hashes a part of the leftover. False: nothing is left to hash; requests may be made.
  bool check_leftover();

  // The next request, if there is one at the moment. `bytes_max` (>= 1): how many it may ask for,
  // in whole chunks unless that is less than one.
  std::unique_ptr<FetchTask> next_bytes(std::uint64_t bytes_max = kToTheEnd);
  std::unique_ptr<FetchTask> next_hashes();
  bool has_bytes_to_ask() const;
  bool has_hashes_to_ask() const;

  // An answer to a task. `wrong`: the server breaks the protocol; end the connection.
  enum class Answer : std::uint8_t { more, last, wrong };
  Answer on_frame(FetchTask& task, const Frame& frame);

  // ERROR instead of (the rest of) an answer. False: the server is overloaded; give the task back
  // and retry later.
  bool on_error(FetchTask& task, CloseReason told, std::string_view sentence);

  // The rest of the task will not arrive.
  void give_back(FetchTask& task);

  // There is more of this version than at any earlier call.
  bool has_progressed() noexcept;

  // Ends it and keeps the stored bytes: no connection is possible, or the user interrupts.
  void abandon(FetchEnd end, std::string what);

  bool is_checking() const noexcept { return checking_; }
  const FileIdentity& identity() const noexcept { return identity_; }  // is_any(): not known yet
  // Stored or arriving bytes that are not known to be wrong.
  std::uint64_t here_bytes() const noexcept {
    return (ledger_ ? ledger_->here_bytes() : 0) + arriving_bytes_;
  }
  std::uint64_t checked_bytes() const noexcept { return check_offset_; }
  // Verified bytes that were already on disk when the download started.
  std::uint64_t resumed_bytes() const noexcept { return resumed_bytes_; }

 private:
  Answer on_begin(FetchTask& task, Bytes payload);
  Answer on_data(FetchTask& task, Bytes payload);
  Answer on_end(FetchTask& task, Bytes payload);
  Answer on_hashes(FetchTask& task, Bytes payload);
  bool is_outdated(const FetchTask& task) const noexcept { return task.version != version_; }
  bool is_current(const FileIdentity& identity);
  void set_identity(const FileIdentity& identity);
  void restart();
  void on_chunk(std::uint64_t chunk, const Sha256Digest& digest);
  bool has_stored(std::string problem);
  void count_wrong(std::uint64_t chunk);
  bool is_all_right(std::uint64_t first) const;
  void finish_if_complete();
  void end(FetchOutcome outcome);

  const std::string name_;
  FetchTarget& target_;
  const Settings& settings_;
  FetchObserver& observer_;
  Leftover leftover_;
  HeldChunks found_;                 // here, but of which version is not known
  std::set<std::uint64_t> earlier_;  // of the ledger's, those that were found and not yet compared
  FileIdentity identity_ = {};
  std::optional<ChunkLedger> ledger_;  // once the identity is known
  std::map<std::uint64_t, std::uint32_t> wrong_;
  std::uint64_t version_ = 0;
  std::uint64_t check_offset_ = 0;
  std::uint64_t arriving_bytes_ = 0;  // of chunks that are not complete
  std::uint64_t resumed_bytes_ = 0;
  std::uint64_t progress_so_far_ = 0;  // what has_progressed() has seen
  std::uint32_t changes_ = 0;
  bool checking_ = true;
  bool hashes_asked_ = false;
  bool hashes_seen_ = false;        // of this version, at least the first page
  Sha256Digest whole_{};            // what they say of the whole file
  bool first_bytes_asked_ = false;  // of a version that is not known
  std::uint64_t first_run_ = 0;     // the chunks of that request
  bool ended_ = false;
};

}  // namespace fairlead
