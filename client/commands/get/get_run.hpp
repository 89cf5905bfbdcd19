// One run of `fairlead get` over framed connections: many files, several at a time, over one or
// more connections each.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/commands/command_loop.hpp"
#include "client/commands/get/fetch_lane.hpp"
#include "client/commands/get/get_listing.hpp"
#include "client/commands/get/get_report.hpp"
#include "client/fetch/rate_limit.hpp"

namespace fairlead {

// Used on one thread. The references outlive it.
class GetRun {
 public:
  GetRun(const GetSettings& settings, const TargetFolder& folder, GetReport& report, Output& out);

  // Returns when every file has ended and no connection is open.
  void run(std::deque<WantedFile> wanted);

  // ---- For its lanes and their workers, in turns ----

  const GetSettings& settings() const noexcept { return settings_; }
  GetReport& report() noexcept { return report_; }
  ClientShard& shard() noexcept { return loop_.shard(); }
  Network& network() noexcept { return loop_.network(); }
  RateLimit& rate() noexcept { return rate_; }
  // What a connection may ask for at once (RateLimit).
  std::uint64_t request_bytes() const;

  // The next file; empty: no more.
  std::optional<FetchItem> next_item();
  std::uint64_t next_number() noexcept { return ++items_begun_; }
  void on_item_ended(const FetchItem& item, const FetchOutcome& outcome, FetchedFile& progress);

  // A connection is ready for requests. Until this has happened once there are no retries.
  void on_connected() noexcept { has_connected_ = true; }
  bool has_connected() const noexcept { return has_connected_; }

  // All connections of a lane are lost.
  void on_server_lost(const Failure& failure);
  // A lane has nothing left to do, and no connection.
  void on_lane_ended();

 private:
  void on_stored(const FetchItem& item, FetchedFile& progress);
  void show_progress();
  void stop();

  const GetSettings& settings_;
  const TargetFolder& folder_;
  GetReport& report_;
  Output& out_;
  RateLimit rate_;
  CommandLoop loop_;
  ShardTimer refresh_;
  std::vector<std::unique_ptr<FetchLane>> lanes_;
  std::deque<WantedFile> wanted_;
  std::set<std::string> part_like_;  // targets among them whose names look like a part file
  std::set<std::vector<std::string>> to_sync_;  // the folders of files that were stored
  std::size_t lanes_left_ = 0;
  std::uint64_t items_begun_ = 0;
  bool takes_items_ = true;
  bool has_connected_ = false;  // at least once
};

}  // namespace fairlead
