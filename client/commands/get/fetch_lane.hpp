// One file at a time, over the connections of one lane.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/progress/progress_view.hpp"
#include "client/commands/get/fetch_worker.hpp"
#include "client/commands/get/get_listing.hpp"
#include "client/fetch/file_fetch.hpp"

namespace fairlead {

class GetRun;

// A file that is to be fetched.
struct FetchItem {
  WantedFile wanted;
  std::unique_ptr<FetchTarget> target;
};

// Used in turns of its shard; owned by its run.
class FetchLane final : private FetchObserver {
 public:
  explicit FetchLane(GetRun& run);

  // Brings the lane into the state that follows from the latest events. Not within a call of the
  // fetch.
  void settle();

  // Keeps what is stored; GetRun::on_lane_ended follows.
  void stop();

  // The progress of the current file, which is valid until the next turn; null: there is none.
  const FetchedFile* progress();
  std::uint64_t number() const noexcept { return number_; }  // of that file, in order

  std::size_t connections() const;

  // For its workers. The current fetch; null: there is none.
  std::shared_ptr<FileFetch> fetch() const { return fetch_; }
  // A connection was lost; another attempt follows after `wait`.
  void on_retry(const Failure& failure, Duration wait);
  // A connection was lost, and no attempt follows.
  void on_lost(const Failure& failure);
  // A worker that was told to stop has no connection any more.
  void on_stopped();

 private:
  // FetchObserver.
  void on_changed(std::string_view what) override;
  void on_damaged(std::uint64_t chunks) override;
  void on_more() override { has_more_ = true; }
  void on_ended(const FetchOutcome& outcome) override { outcome_ = outcome; }

  void begin_item(FetchItem item);
  void end_item();
  void check();
  void stop_workers();

  GetRun& run_;
  ShardTimer check_;  // hashes the leftover of an earlier attempt, a part in each turn
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
