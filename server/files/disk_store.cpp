#include "server/files/disk_store.hpp"

#include <fcntl.h>
#include <time.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "server/api/service_settings.hpp"
#include "server/files/disk_file.hpp"

namespace fairlead {
namespace {

// The clock of the time stamps of files.
std::int64_t wall_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

FileAnswer open_for_reading(const ServedRoot& root, const OpenForReading& work) {
  auto file = open_file(root, work.name);
  if (!file) return file.error();
  return std::make_unique<DiskFile>(std::move(*file));
}

class Slot final : public DownloadSlot {
 public:
  explicit Slot(std::atomic<std::uint64_t>& taken) : taken_(taken) {}
  ~Slot() override { --taken_; }

 private:
  std::atomic<std::uint64_t>& taken_;
};

// The shard keeps the callbacks, the pool only numbers: no other thread sees anything of a peer.
class DiskStore final : public FileStore {
 public:
  DiskStore(Descriptor root, const FileSettings& settings, FileShare& share,
            const DiskFileStores::Post& post)
      : root_(std::make_shared<const ServedRoot>(
            ServedRoot{std::move(root), {settings.symlinks, settings.hidden}})),
        downloads_max_(settings.max_downloads),
        share_(share),
        downloads_(share.downloads(settings.service)),
        post_(post) {}

  FileTask start(FileWork work, FileDone done) override {
    const std::uint64_t number = ++last_;
    const auto given_up = std::make_shared<std::atomic<bool>>(false);
    waiting_.emplace(number, Waiting{std::move(done), given_up});
    const auto length = length_of(work);
    if (!share_.pool.submit(length, job_for(number, std::move(work), given_up)))
      answer(number, RequestError::server_full);
    return {*this, number};
  }

  std::unique_ptr<DownloadSlot> begin_download() override {
    auto slot = std::make_unique<Slot>(downloads_);
    return ++downloads_ <= downloads_max_ ? std::move(slot) : nullptr;
  }

 private:
  struct Waiting {
    FileDone done;
    std::shared_ptr<std::atomic<bool>> given_up;  // true: the answer is no longer wanted
  };

  static FilePool::Length length_of(const FileWork& work) {
    return std::holds_alternative<HashFile>(work) ? FilePool::Length::takes_long
                                                  : FilePool::Length::quick;
  }

  // A job owns or shares everything it needs. `this` is used on the shard's thread only, which runs
  // no task after the store has been destroyed.
  std::function<void()> job_for(std::uint64_t number, FileWork work,
                                std::shared_ptr<std::atomic<bool>> given_up) {
    std::shared_ptr<DiskFileData> file;
    if (const auto* ahead = std::get_if<ReadAhead>(&work))
      file = static_cast<const DiskFile&>(ahead->file).data();
    return [this, number, root = root_, share = &share_, post = &post_, file = std::move(file),
            work = std::move(work), given_up = std::move(given_up)] {
      if (*given_up) return;
      auto result = std::make_shared<FileAnswer>(RequestError::internal_error);
      try {
        *result = run(*root, *share, work, file.get(), *given_up);
      } catch (const std::exception&) {
        // Out of memory, or a bug: the answer is internal_error.
      }
      (*post)([this, number, result] { answer(number, std::move(*result)); });
    };
  }

  static FileAnswer run(const ServedRoot& root, FileShare& share, const FileWork& work,
                        DiskFileData* file, const std::atomic<bool>& given_up) {
    if (const auto* open = std::get_if<OpenForReading>(&work)) return open_for_reading(root, *open);
    if (const auto* look = std::get_if<LookAt>(&work)) return look_at(root, *look);
    if (const auto* list = std::get_if<ListDirectory>(&work)) return list_directory(root, *list);
    if (const auto* hash = std::get_if<HashFile>(&work))
      return hash_file(root, share.hashes, *hash, wall_clock_ns,
                       [&] { return given_up || share.pool.is_stopping(); });
    read_ahead(*file, std::get<ReadAhead>(work).offset);
    return RequestError::none;
  }

  void answer(std::uint64_t number, FileAnswer result) {
    auto found = waiting_.extract(number);
    if (!found.empty()) found.mapped().done(std::move(result));
  }

  void give_up(std::uint64_t number) noexcept override {
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return;
    *found->second.given_up = true;
    waiting_.erase(found);
  }

  const std::shared_ptr<const ServedRoot> root_;
  const std::uint64_t downloads_max_;
  FileShare& share_;
  std::atomic<std::uint64_t>& downloads_;
  const DiskFileStores::Post& post_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
};

}  // namespace

std::atomic<std::uint64_t>& FileShare::downloads(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return downloads_[service];
}

std::unique_ptr<FileStore> DiskFileStores::store_for(const FileSettings& settings) {
  if (settings.root.empty()) return nullptr;
  Descriptor root(::open(settings.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    log_.warn("file root not served",
              {field("root", settings.root), field("why", std::generic_category().message(errno))});
    return nullptr;
  }
  return std::make_unique<DiskStore>(std::move(root), settings, share_, post_);
}

}  // namespace fairlead
