// One connection of a download: sends the requests of its lane's fetch, passes on the answers, and
// reconnects.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "client/api/client.hpp"
#include "client/fetch/file_fetch.hpp"

namespace fairlead {

class FetchLane;
class GetRun;

// Used in turns of its shard; owned by its lane.
class FetchWorker final : private ClientObserver {
 public:
  // Pending GETs: while one is answered, the next one has already arrived.
  static constexpr std::size_t kGetsMax = 2;

  FetchWorker(GetRun& run, FetchLane& lane);

  // Connects or sends requests, as needed. Not within a call of the fetch.
  void work();

  // Ends the connection; FetchLane::on_stopped follows.
  void stop();

  bool is_connected() const noexcept { return client_ && client_->connection() != nullptr; }
  bool is_lost() const noexcept { return lost_; }
  // Starts with fresh retries: there is a new file.
  void reset() noexcept;

 private:
  struct Asked {
    std::shared_ptr<FileFetch> fetch;
    std::unique_ptr<FetchTask> task;
  };

  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void ask();
  void send(std::shared_ptr<FileFetch> fetch, std::unique_ptr<FetchTask> task);
  void on_answer(std::map<std::uint32_t, Asked>::iterator asked, const Frame& frame);
  std::size_t asked_count(FrameType type) const;
  void try_later(const Failure& failure);
  void watch_silence();

  GetRun& run_;
  FetchLane& lane_;
  Backoff backoff_;
  ShardTimer retry_;  // connect, or ask, again
  std::unique_ptr<Client> client_;
  std::map<std::uint32_t, Asked> asked_;  // by request id; at most kGetsMax and one for hashes
  std::uint32_t tries_ = 0;               // in a row, without anything that came
  std::uint64_t faults_ = 0;              // of the server, while one file is fetched
  bool stopping_ = false;
  bool lost_ = false;
};

}  // namespace fairlead
