#include "server/app/shard_threads.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "common/base/background_thread.hpp"
#include "common/base/descriptor.hpp"
#include "common/text/encoding.hpp"
#include "server/app/crash_report.hpp"
#include "server/conversation/detector.hpp"

namespace fairlead {

namespace {

tl::unexpected<Failure> cannot_begin(const std::string& what, const std::system_error& error) {
  return failure("cannot begin " + what + ": " + error.code().message() + kAllowMoreThreads +
                 ", or lower server.threads");
}

}  // namespace

ShardThread::ShardThread(const Shared& shared, std::uint32_t count)
    : files(shared.files, shared.log,
            [this](std::function<void()> task) { loop.post(std::move(task)); }),
      shard({shared.settings, shared.transcript, files, shared.log, shared.log.sessions(),
             begin_conversation, shared.last_id},
            Loop::read_clock(), count) {
  loop.drive(shard);
  loop.limit_reads(shared.settings->limits.queue_soft);
  // Converters are opened while there are descriptors, not at the first Chinese message.
  loop.post([&log = shared.log] {
    if (!open_converters()) log.warn("encodings missing: GBK clients will not be understood");
  });
}

void ShardThread::use_settings() {
  shard.use_settings();
  loop.limit_reads(shard.settings().limits.queue_soft);
}

ShardThreads::ShardThreads(const ShardThread::Shared& shared) : file_pool_(shared.files.pool) {
  const std::uint32_t count = shared.settings->threads;
  for (std::uint32_t i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<ShardThread>(shared, count));
}

ShardThreads::~ShardThreads() {
  abort();
  join();
}

ShardThread& ShardThreads::of(const Loop& loop) noexcept {
  return **std::ranges::find_if(shards_, [&](const auto& shard) { return &shard->loop == &loop; });
}

Outcome<> ShardThreads::start() {
  std::string what;
  try {
    for (std::size_t i = 1; i < size(); ++i) {
      what = "thread " + std::to_string(i + 1) + " of " + std::to_string(size());
      threads_.push_back(start_background_thread([&loop = at(i).loop] {
        const CrashStack stack;
        loop.run();
      }));
    }
    return {};
  } catch (const std::system_error& error) {
    return cannot_begin(what, error);
  }
}

Outcome<> ShardThreads::start_file_pool() {
  try {
    file_pool_.start();
    return {};
  } catch (const std::system_error& error) {
    return cannot_begin("the threads for files", error);
  }
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
  file_pool_.stop();
}

}  // namespace fairlead
