// Lists directories of a service of type `file` over one framed connection. Sans-IO.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/api/client.hpp"
#include "common/protocol/file_frames.hpp"

namespace fairlead {

struct RemoteEntry {
  std::string name = {};  // below what was asked for, components joined with `/`; itself: empty
  FileKind kind = FileKind::file;
  std::uint64_t size = 0;  // bytes; of a directory whatever the server says
  std::int64_t mtime_ns = 0;
};

struct ListerSettings {
  ClientSettings client = {};  // its protocol is framed, whatever stands there
  std::string service = "file";
  bool recursive = false;
  Duration timeout{30'000};  // without a byte of the server; 0: none

  // More is no directory that anybody means, but a server that does not end.
  std::uint64_t entries_max = 10'000'000;
  // Names of directories that wait for their turn: a million of them.
  std::size_t waiting_bytes_max = 64 * std::size_t{1024} * 1024;
};

// Told in turns of the shard; may call close() from within.
class ListerObserver {
 public:
  // What `asked`, an index of the names, is: a file or a directory. Not for the root.
  virtual void on_found(std::size_t asked, const RemoteEntry& entry) = 0;

  // Some of what is below `asked`: of one directory, in the order of the bytes of their names. The
  // rest of a directory follows before those below it; between its pages others may come.
  virtual void on_entries(std::size_t asked, std::span<const RemoteEntry> entries) = 0;

  // `asked`, or the directory `below` it, cannot be listed; everything else goes on.
  virtual void on_failed(std::size_t asked, std::string_view below, const Failure& failure) = 0;

  // The last call. FailureKind::none: everything has been listed or told as failed, or close() was
  // called. The lister may be destroyed from within.
  virtual void on_ended(const Failure& failure) = 0;

 protected:
  ~ListerObserver() = default;
};

// Owned by whoever made it; used in turns of its shard; destroyed in on_ended or after it, or once
// the loop runs no more. The shard, the network and the observer outlive it.
//
// Nothing of the server is believed: an entry that is no name (is_file_component), and a page that
// does not go on behind the one before, end it as bad_protocol; so every listing ends.
//
// Invariant: requests unanswered <= kRequestsMax; entries told <= entries_max.
class Lister final : private ClientObserver {
 public:
  // Enough to hide the way to the server; fewer than it takes unanswered (kUnansweredMax).
  static constexpr std::size_t kRequestsMax = 8;
  // Deeper than any tree that is meant; a server could make one without end.
  static constexpr std::size_t kLevelsMax = 64;

  Lister(ClientShard& shard, Network& network, const ListerSettings& settings,
         ListerObserver& observer);

  // Begins with these names; an empty one is the root.
  void open(std::vector<std::string> names);

  // Ends it, whatever it is doing. on_ended follows, not within this call.
  void close();

 private:
  // STAT or LIST of one name: to be asked, then to be answered.
  struct Question {
    FrameType type = FrameType::stat;
    std::size_t asked = 0;
    std::string below = {};  // LIST: the directory; empty: what was asked for itself
    std::string after = {};  // LIST: the last name already known
    std::size_t level = 0;
    std::uint32_t id = 0;  // once it is asked
  };

  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void ask();
  std::string payload_of(const Question& question) const;
  std::string full_name(const Question& question) const;
  void on_answer(const Frame& frame);
  void on_status(Question question, Bytes payload);
  void on_listing(Question question, Bytes payload);
  bool is_believable(const FileListing& page, std::string_view after);
  void wait_for(const Question& parent, const std::string& directory);
  void watch_silence();
  void fail(Failure why);

  ClientShard& shard_;
  const ClientSettings client_settings_;
  const std::string service_;
  const Duration half_timeout_;  // rounded up
  const std::uint64_t entries_max_;
  const std::size_t waiting_bytes_max_;
  const bool recursive_;
  ListerObserver& observer_;
  Client client_;
  std::vector<std::string> names_;
  std::deque<Question> waiting_;
  std::deque<Question> unanswered_;  // in the order of their ids, which is that of the answers
  std::size_t waiting_bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t heard_bytes_ = 0;  // when silence was last looked for
  std::uint32_t open_id_ = 0;
  bool pinged_ = false;
  bool ending_ = false;
  Failure failure_;  // why we end it
};

}  // namespace fairlead
