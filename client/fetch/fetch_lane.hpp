// One file at a time, over the connections of one lane.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/fetch/fetch_worker.hpp"
#include "client/fetch/fetcher.hpp"

namespace fairlead {

// Owned by its Fetcher, in whose turns it works.
class FetchLane final : private FetchObserver, private FetchWorkerOwner {
 public:
  FetchLane(Fetcher& fetcher, ClientShard& shard, Network& network, const FetchSettings& settings,
            RateLimit& rate);
  ~FetchLane();

  void begin() { settle(); }
  void stop();

  // Of the file in work, as it is just now; null: there is none.
  const FetchedFile* progress();
  std::uint64_t number() const noexcept { return number_; }  // of that file, in order

 private:
  // FetchObserver.
  void on_changed(std::string_view what) override;
  void on_damaged(std::uint64_t chunks) override;
  void on_more() override { has_more_ = true; }
  void on_ended(const FetchOutcome& outcome) override { outcome_ = outcome; }

  // FetchWorkerOwner.
  std::shared_ptr<FileFetch> fetch() override { return fetch_; }
  void on_answers() override { settle(); }
  void on_retry(const Failure& failure, Duration wait) override;
  void on_lost(const Failure& failure) override;
  void on_connected() override { fetcher_.has_connected_ = true; }
  bool has_been_connected() const override { return fetcher_.has_connected_; }
  void on_stopped() override;

  void settle();
  void begin_item(FetchItem item);
  void end_item();
  void check();
  void stop_workers();

  Fetcher& fetcher_;
  const FetchSettings& settings_;
  ShardTimer check_;  // hashes what an earlier attempt has left, a bit in each turn
  std::vector<std::unique_ptr<FetchWorker>> workers_;
  std::optional<FetchItem> item_;
  std::shared_ptr<FileFetch> fetch_;  // workers may still hold it when it has ended
  std::optional<FetchOutcome> outcome_;
  FetchedFile progress_;
  std::uint64_t number_ = 0;
  std::size_t workers_left_ = 0;
  bool has_more_ = false;
  bool settling_ = false;
  bool stopping_ = false;
};

}  // namespace fairlead
