#include "server/app/shard_threads.hpp"

#include <algorithm>
#include <system_error>

#include "common/base/background_thread.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

ShardThread::ShardThread(const Shared& shared, std::uint32_t index, std::uint32_t count)
    : settings(shared.settings),
      files(shared.files, shared.log,
            [this](std::function<void()> task) { loop.post(std::move(task)); }),
      shard({*settings, shared.transcript, files, shared.log, shared.log.sessions(), shared.output},
            Loop::read_clock(), index, count) {
  loop.drive(shard);
  // Converters are opened while there are descriptors, not at the first Chinese message.
  loop.post([&log = shared.log] {
    if (!open_converters()) log.warn("encodings missing: GBK clients will not be understood");
  });
}

ShardThreads::ShardThreads(const ShardThread::Shared& shared) {
  const std::uint32_t count = shared.settings->threads;
  for (std::uint32_t i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<ShardThread>(shared, i, count));
}

ShardThreads::~ShardThreads() {
  abort();
  join();
}

ShardThread& ShardThreads::of(const Loop& loop) noexcept {
  return **std::ranges::find_if(shards_, [&](const auto& shard) { return &shard->loop == &loop; });
}

Outcome ShardThreads::start() try {
  for (std::size_t i = 1; i < shards_.size(); ++i)
    threads_.push_back(start_background_thread([shard = shards_[i].get()] { shard->loop.run(); }));
  return {};
} catch (const std::system_error& failure) {
  return {kExitRuntimeFailure, "cannot begin thread " + std::to_string(threads_.size() + 2) +
                                   " of " + std::to_string(shards_.size()) + ": " +
                                   failure.code().message() + kAllowMoreThreads};
}

void ShardThreads::stop() {
  for_each([](ShardThread& shard) { shard.loop.release(); });
}

void ShardThreads::abort() {
  for (const auto& shard : shards_) shard->loop.stop();
}

void ShardThreads::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace fairlead
