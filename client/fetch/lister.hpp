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

struct ListerSettings {
  ClientSettings client = {};  // the protocol is always framed
  bool recursive = false;
  Duration timeout{30'000};  // without a byte of the server; 0: none

  // A guard against a server that sends entries without end.
  std::uint64_t entries_max = 10'000'000;
  // Names of queued directories: about a million.
  std::size_t waiting_bytes_max = 64 * std::size_t{1024} * 1024;
};

// Called in turns of the shard; may call close().
class ListerObserver {
 public:
  // Some entries below `asked`, an index of the names, of one directory, in byte order, with their
  // names from there, components joined with `/`. The rest of
  // a directory follows before its subdirectories; pages of other directories may come between. The
  // first entry, with an empty name, is `asked` itself; not for the root.
  virtual void on_entries(std::size_t asked, std::span<const FileEntry> entries) = 0;

  // `asked`, or the directory `below` it, cannot be listed; the rest continues.
  virtual void on_failed(std::size_t asked, std::string_view below, const Failure& failure) = 0;

  // The last call. FailureKind::none: everything has been listed or told as failed, or close() was
  // called. The lister may be destroyed from within.
  virtual void on_ended(const Failure& failure) = 0;

 protected:
  ~ListerObserver() = default;
};

// Owned by its maker; used in turns of its shard; destroyed in on_ended or after it, or once the
// loop runs no more. The shard, the network and the observer outlive it.
//
// The server is not trusted: an entry with an invalid name (is_file_component), and a page that
// does not continue the one before, end the listing as bad_protocol. So every listing ends.
//
// Invariant: requests unanswered <= kRequestsMax; entries told <= entries_max.
class Lister final : private ClientObserver {
 public:
  // Enough to hide the latency; fewer than the server accepts (kUnansweredMax).
  static constexpr std::size_t kRequestsMax = 8;
  // Deeper than any real tree; a server could invent an endless one.
  static constexpr std::size_t kLevelsMax = 64;

  Lister(ClientShard& shard, Network& network, const ListerSettings& settings,
         ListerObserver& observer);

  // Begins with these names; an empty one is the root.
  void open(std::vector<std::string> names);

  // Ends it in any state. on_ended follows, not within this call.
  void close();

 private:
  // A STAT or LIST of one name, queued or pending.
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
  void fail(Failure why);

  const ListerSettings settings_;
  ListerObserver& observer_;
  Client client_;
  std::vector<std::string> names_;
  std::deque<Question> waiting_;
  std::deque<Question> unanswered_;  // in the order of their ids, which is that of the answers
  std::size_t waiting_bytes_ = 0;
  std::uint64_t entries_ = 0;
  bool ending_ = false;
  Failure failure_;  // why we end it
};

}  // namespace fairlead
