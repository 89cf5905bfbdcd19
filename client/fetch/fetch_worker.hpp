// One connection of a download: sends the requests of its lane's fetch, passes on the answers, and
// reconnects.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "client/api/client.hpp"
#include "client/fetch/file_fetch.hpp"
#include "client/fetch/rate_limit.hpp"
#include "client/fetch/silence_watch.hpp"

namespace fairlead {

// The settings of a download, whatever the files are.
struct FetchSettings {
  ClientSettings client = {};  // framed; reconnecting is the fetch's own
  std::string service = "file";
  std::uint32_t jobs = 4;     // files at once, >= 1
  std::uint32_t split = 1;    // connections for each, >= 1
  std::uint32_t retries = 5;  // in a row, of a connection that brings nothing
  Duration silence{30'000};   // a connection on which nothing comes for so long is lost; 0: never
  FileFetch::Settings file = {};
};

// The lane of a worker, which says what is fetched. Called in turns of the shard.
class FetchWorkerOwner {
 public:
  // The current fetch; null: there is none.
  virtual std::shared_ptr<FileFetch> fetch() = 0;

  // An answer was processed: the fetch may have ended.
  virtual void on_answers() = 0;

  // The connection was lost; another attempt follows after `wait`.
  virtual void on_retry(const Failure& failure, Duration wait) = 0;

  // The connection was lost, and no attempt follows.
  virtual void on_lost(const Failure& failure) = 0;

  // Connected and ready for requests. Until this has happened once to any worker of the command,
  // there are no retries.
  virtual void on_connected() = 0;
  virtual bool has_been_connected() const = 0;

  // After stop(): the connection is closed.
  virtual void on_stopped() = 0;

 protected:
  ~FetchWorkerOwner() = default;
};

// Used in turns of its shard; owned by its owner, which outlives it, like the other references.
// Destroyed after on_stopped, or once the loop runs no more.
class FetchWorker final : private ClientObserver {
 public:
  // Pending GETs: while one is answered, the next one has already arrived.
  static constexpr unsigned kGetsMax = 2;

  FetchWorker(FetchWorkerOwner& owner, ClientShard& shard, Network& network,
              const FetchSettings& settings, RateLimit& rate, std::uint64_t seed);
  ~FetchWorker();

  // Connects or sends requests, as needed. Not within on_answers.
  void work();

  // Ends the connection; on_stopped follows, not within this call.
  void stop();

  bool is_connected() const noexcept { return is_ready_; }
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

  void dial();
  void ask();
  void send(std::shared_ptr<FileFetch> fetch, std::unique_ptr<FetchTask> task);
  void on_error_frame(const Frame& frame);
  void answer(std::map<std::uint32_t, Asked>::iterator asked, const Frame& frame);
  void limit_rate(std::size_t bytes);
  void resume_reading();
  void try_later(const Failure& failure);
  void watch_silence();
  void give_back_all();

  FetchWorkerOwner& owner_;
  ClientShard& shard_;
  Network& network_;
  const FetchSettings& settings_;
  RateLimit& rate_;
  Backoff backoff_;
  SilenceWatch silence_;
  ShardTimer retry_;   // connect, or ask, again
  ShardTimer resume_;  // read again
  ShardTimer stopped_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> ended_;         // freed by the next one
  std::map<std::uint32_t, Asked> asked_;  // by request id
  unsigned gets_ = 0, hashes_ = 0;        // of these
  std::uint32_t open_id_ = 0;             // of the first OPEN
  std::uint32_t tries_ = 0;               // in a row, without anything that came
  std::uint64_t faults_ = 0;              // of the server, while one file is fetched
  bool is_ready_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool lost_ = false;
};

}  // namespace fairlead
