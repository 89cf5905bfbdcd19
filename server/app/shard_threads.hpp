// The shards of the daemon, each with its loop and its thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/io/loop.hpp"
#include "common/log/log.hpp"
#include "server/app/component.hpp"
#include "server/app/stats.hpp"
#include "server/core/settings.hpp"
#include "server/core/shard.hpp"
#include "server/files/disk_store.hpp"

namespace fairlead {

// One thread's part: a loop, the shard that it drives, and the files that the shard serves.
struct ShardThread {
  // What all shards share. All of it but the settings outlives them.
  struct Shared {
    SettingsSnapshot settings;
    TranscriptSink& transcript;
    Log& log;
    FileShare& files;
    std::atomic<std::uint64_t>& last_id;  // of a connection
  };

  ShardThread(const Shared& shared, std::uint32_t count);

  // In a turn of the loop, behind Shard::prepare_settings.
  void use_settings();

  // In a turn of the loop, or after it has ended.
  ShardReport report() { return {shard.report(), loop.take_turn_times()}; }

  Loop loop;
  DiskFileStores files;
  Shard shard;
};

// Owns the loops and the threads, and runs those of the file pool. The first loop is the main
// thread's, by run_first(); start() begins the threads of the others.
class ShardThreads final : public Component {
 public:
  explicit ShardThreads(const ShardThread::Shared& shared);
  ~ShardThreads() override;

  std::size_t size() const noexcept { return shards_.size(); }
  ShardThread& at(std::size_t index) noexcept { return *shards_[index]; }
  ShardThread& first() noexcept { return *shards_.front(); }
  ShardThread& of(const Loop& loop) noexcept;

  Outcome<> start() override;
  void stop() override;  // every loop ends when its work has ended

  // The threads that wait for disks, where they do not run yet; stop() ends them.
  Outcome<> start_file_pool();

  void run_first() { first().loop.run(); }  // until stop() or abort()
  void abort();                             // ends every loop now; from any thread
  void join();                              // waits for the other loops, then stops the file pool

  // Runs `act(ShardThread&)` on every shard, in a turn of its loop. From any thread.
  template <class Act>
  void for_each(const Act& act) {
    for (const auto& shard : shards_) shard->loop.post([act, own = shard.get()] { act(*own); });
  }

  // Runs `ask(ShardThread&)` on every shard, in a turn of its loop, adds up the answers, and calls
  // `done(sum)` in a turn of the first loop. Answers add up by +=, from a default value.
  template <class Ask, class Done>
  void gather(Ask ask, Done done) {
    using Answer = std::invoke_result_t<const Ask&, ShardThread&>;
    struct Gathering {
      std::size_t missing;
      Done done;
      Answer sum{};
    };
    auto gathering = std::make_shared<Gathering>(Gathering{shards_.size(), std::move(done)});
    for_each([this, ask = std::move(ask), gathering](ShardThread& shard) {
      first().loop.post([gathering, answer = ask(shard)] {
        gathering->sum += answer;
        if (--gathering->missing == 0) gathering->done(gathering->sum);
      });
    });
  }

 private:
  FilePool& file_pool_;
  std::vector<std::unique_ptr<ShardThread>> shards_;
  std::vector<std::thread> threads_;  // of all shards but the first
};

}  // namespace fairlead
