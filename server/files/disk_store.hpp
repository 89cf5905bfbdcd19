// The files of a service, from the disk: its store on each shard, and what all of them share.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "common/log/log_sink.hpp"
#include "server/api/file_store.hpp"
#include "server/files/file_pool.hpp"
#include "server/files/root_folder.hpp"
#include "server/files/version_cache.hpp"

namespace fairlead {

// What all shards share: the pool, what was read, and the number of downloads under way.
// Thread-safe. Outlives every store; the pool is stopped before the loops go that answers are
// posted to.
class FileShare {
 public:
  FilePool pool;
  HashCache hashes{64 * 1024 * 1024};  // of 2 TiB of files, or of a quarter of a million small ones
  NamesCache names{64 * 1024 * 1024};  // of some eight large directories

  // Downloads under way of the service of that name, whatever settings it has now.
  std::atomic<std::uint64_t>& downloads(const std::string& service);

  // The root of a service, the same for all shards. The log outlives this.
  std::shared_ptr<RootFolder> root(const FileSettings& settings, LogSink& log);

 private:
  std::mutex mutex_;
  std::map<std::tuple<std::string, bool, bool>, std::weak_ptr<RootFolder>> roots_;
  std::map<std::string, std::atomic<std::uint64_t>> downloads_;  // by service
};

// One per shard; outlives its stores.
class DiskFileStores final : public FileStores {
 public:
  // Runs a function in a turn of the shard; called by the pool's threads.
  using Post = std::function<void(std::function<void()>)>;

  // A root that cannot be opened is logged, and nothing is served from it until it can.
  DiskFileStores(FileShare& share, LogSink& log, Post post)
      : share_(share), log_(log), post_(std::move(post)) {}

  std::unique_ptr<FileStore> store_for(const FileSettings& settings) override;

 private:
  FileShare& share_;
  LogSink& log_;
  Post post_;
};

}  // namespace fairlead
