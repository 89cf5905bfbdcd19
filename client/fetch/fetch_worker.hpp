// One connection that fetches: it sends what the fetch of its lane asks for, hands back the
// answers, and connects again when it is lost.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "client/api/client.hpp"
#include "client/fetch/fetch_settings.hpp"
#include "client/fetch/file_fetch.hpp"
#include "client/fetch/rate_limit.hpp"

namespace fairlead {

// What a worker belongs to: it says what is fetched now. Called in turns of the shard.
class FetchWorkerOwner {
 public:
  // What to work for; null: nothing.
  virtual std::shared_ptr<FileFetch> fetch() = 0;

  // Something came: the fetch may have ended.
  virtual void on_answers() = 0;

  // Lost, and to be tried again after `wait`.
  virtual void on_retry(const Failure& failure, Duration wait) = 0;

  // Lost for good.
  virtual void on_lost(const Failure& failure) = 0;

  // Connected, and requests can be made. Before that has happened once, to whatever worker of the
  // command, nothing is tried again.
  virtual void on_connected() = 0;
  virtual bool has_been_connected() const = 0;

  // After stop(): the connection is closed.
  virtual void on_stopped() = 0;

 protected:
  ~FetchWorkerOwner() = default;
};

// Used in turns of its shard; owned by its owner, who outlives it, as all the others do. Destroyed
// after on_stopped, or once the loop runs no more.
class FetchWorker final : private ClientObserver {
 public:
  // Requests for bytes that are under way at a time: while one is answered the next one is there.
  static constexpr unsigned kGetsMax = 2;

  FetchWorker(FetchWorkerOwner& owner, ClientShard& shard, Network& network,
              const FetchSettings& settings, RateLimit& rate, std::uint64_t seed);
  ~FetchWorker();

  // Does what there is to do: connects, asks. Not from within on_answers.
  void work();

  // Ends the connection; on_stopped follows, not within this call.
  void stop();

  bool is_connected() const noexcept { return is_ready_; }
  bool is_lost() const noexcept { return lost_; }
  // Forgets that it was: there is something new to do.
  void forgive() noexcept;

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
  void slow_down(std::size_t bytes);
  void speed_up();
  void try_later(const Failure& failure);
  void watch_silence();
  void give_everything_back();

  FetchWorkerOwner& owner_;
  ClientShard& shard_;
  Network& network_;
  const FetchSettings& settings_;
  RateLimit& rate_;
  Backoff backoff_;
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
  bool pinged_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool lost_ = false;
};

}  // namespace fairlead
