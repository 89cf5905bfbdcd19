// Fetches many files, several at a time, over one or more connections each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/fetch/fetch_target.hpp"
#include "client/fetch/fetch_worker.hpp"
#include "client/fetch/file_fetch.hpp"
#include "client/fetch/progress.hpp"
#include "client/fetch/rate_limit.hpp"
#include "common/net/network.hpp"

namespace fairlead {

class FetchLane;

// A file that is to be fetched.
struct FetchItem {
  std::string remote = {};  // its name there, UTF-8
  std::unique_ptr<FetchTarget> target = {};
};

// Provides the files to fetch and receives the results. Called in turns of the shard.
class FetcherObserver {
 public:
  // The next file; empty: no more.
  virtual std::optional<FetchItem> next_item() = 0;

  // A message about a file whose download continues.
  virtual void on_notice(const std::string& remote, std::string_view what) = 0;

  // Its connection was lost, or the server has no room; it is tried again after `wait`.
  virtual void on_retry(const std::string& remote, const Failure& failure, Duration wait) = 0;

  // `progress`: the latest; the observer fills in its state and note.
  virtual void on_item_ended(FetchItem& item, const FetchOutcome& outcome,
                             FetchedFile& progress) = 0;

  // The server cannot be reached or lacks the service: no other file is tried.
  virtual void on_server_unusable(const Failure& failure) = 0;

  // Nothing is left to do, and no connection is open. The last call.
  virtual void on_all_ended() = 0;

 protected:
  ~FetcherObserver() = default;
};

// Used in turns of its shard. The shard, the network, the settings and the observer outlive it.
// Destroyed after on_all_ended, or once the loop runs no more.
class Fetcher {
 public:
  Fetcher(ClientShard& shard, Network& network, const FetchSettings& settings, RateLimit& rate,
          FetcherObserver& observer);
  ~Fetcher();

  void begin();

  // Ends all downloads and keeps the stored parts; on_all_ended follows.
  void stop();

  // The files that are being fetched, oldest first; valid until the next turn.
  std::vector<const FetchedFile*> active();

 private:
  friend class FetchLane;

  std::optional<FetchItem> next_item();
  void fail_server(const Failure& failure);
  void on_lane_ended();

  FetcherObserver& observer_;
  std::vector<std::unique_ptr<FetchLane>> lanes_;
  std::size_t lanes_left_ = 0;
  std::uint64_t items_begun_ = 0;
  bool takes_items_ = true;
  bool has_connected_ = false;  // at least once
};

}  // namespace fairlead
