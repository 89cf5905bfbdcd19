#include "server/files/disk_store.hpp"

#include <time.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "server/api/service_settings.hpp"
#include "server/files/directory_listing.hpp"
#include "server/files/disk_file.hpp"
#include "server/files/file_hashing.hpp"
#include "server/files/root_folder.hpp"

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
  if (!file && file.error() == RequestError::no_such_file && !work.bytes.empty() &&
      work.bytes != work.name)
    file = open_file(root, work.bytes, NameForm::bytes);
  if (!file) return file.error();
  return std::make_unique<DiskFile>(std::move(*file), root.log);
}

// A piece of work that somebody waits for. `done` is touched by the shard's thread only: the pool
// sees nothing of a peer.
struct DiskTask {
  explicit DiskTask(FileDone to_tell) : done(std::move(to_tell)) {}

  void answer(FileAnswer result) {
    if (done) std::exchange(done, nullptr)(std::move(result));
  }
  void give_up() noexcept {
    done = nullptr;
    given_up = true;
  }

  FileDone done;  // empty: told, or no longer wanted
  std::atomic<bool> given_up{false};
};

class DiskStore final : public FileStore {
 public:
  DiskStore(std::shared_ptr<RootFolder> root, const FileSettings& settings, FileShare& share,
            const DiskFileStores::Post& post)
      : root_(std::move(root)),
        downloads_max_(settings.max_downloads),
        share_(share),
        downloads_(share.downloads(settings.service)),
        post_(post) {}

  FileTask start(FileWork work, FileDone done) override {
    auto task = std::make_shared<DiskTask>(std::move(done));
    FileTask owned(task.get(), [task](DiskTask* given) { given->give_up(); });
    const auto length = length_of(work);
    if (!share_.pool.submit(length, job_for(task, std::move(work))))
      task->answer(RequestError::server_full);
    return owned;
  }

  DownloadSlot begin_download() override {
    const std::uint64_t taken = ++downloads_;
    DownloadSlot slot(&downloads_, [](std::atomic<std::uint64_t>* count) { --*count; });
    return taken <= downloads_max_ ? slot : nullptr;
  }

 private:
  static FilePool::Length length_of(const FileWork& work) {
    return std::holds_alternative<HashFile>(work) ? FilePool::Length::takes_long
                                                  : FilePool::Length::quick;
  }

  // A job owns or shares everything it needs.
  FilePool::Job job_for(std::shared_ptr<DiskTask> task, FileWork work) {
    return [step = step_for(std::move(work)), post = &post_, task = std::move(task)] {
      if (task->given_up) return false;
      std::optional<FileAnswer> answer = RequestError::internal_error;
      try {
        answer = step();
      } catch (const std::exception&) {
        // Out of memory, or a bug: the answer is internal_error.
      }
      if (!answer) return true;
      (*post)([task, answer = std::make_shared<FileAnswer>(std::move(*answer))] {
        task->answer(std::move(*answer));
      });
      return false;
    };
  }

  // Nothing: it is to be called again.
  using Step = std::function<std::optional<FileAnswer>()>;

  // Each begins on the pool, where it asks for the root of that moment.
  Step step_for(FileWork work) {
    if (const auto* hash = std::get_if<HashFile>(&work))
      return stepping<FileHashing>(share_.hashes, *hash);
    if (const auto* list = std::get_if<ListDirectory>(&work))
      return stepping<DirectoryListing>(share_.names, *list);
    if (const auto* ahead = std::get_if<ReadAhead>(&work)) {
      return [file = static_cast<const DiskFile&>(ahead->file).data(), offset = ahead->offset] {
        read_ahead(*file, offset);
        return FileAnswer(RequestError::none);
      };
    }
    return [folder = root_, work = std::move(work)]() -> std::optional<FileAnswer> {
      const auto root = folder->now();
      if (!root) return root.error();
      return run(**root, work);
    };
  }

  template <class Stepping, class Cache, class Work>
  Step stepping(Cache& cache, const Work& work) {
    return [folder = root_, &cache, work,
            begun = std::shared_ptr<Stepping>()]() mutable -> std::optional<FileAnswer> {
      if (!begun) {
        auto root = folder->now();
        if (!root) return root.error();
        begun = std::make_shared<Stepping>(std::move(*root), cache, std::move(work), wall_clock_ns);
      }
      return begun->step();
    };
  }

  static FileAnswer run(const ServedRoot& root, const FileWork& work) {
    if (const auto* open = std::get_if<OpenForReading>(&work)) return open_for_reading(root, *open);
    return stat_file(root, std::get<StatFile>(work));
  }

  const std::shared_ptr<RootFolder> root_;
  const std::uint64_t downloads_max_;
  FileShare& share_;
  std::atomic<std::uint64_t>& downloads_;
  const DiskFileStores::Post& post_;
};

}  // namespace

std::atomic<std::uint64_t>& FileShare::downloads(const std::string& service) {
  const std::lock_guard lock(mutex_);
  return downloads_[service];
}

std::shared_ptr<RootFolder> FileShare::root(const FileSettings& settings, LogSink& log) {
  const std::lock_guard lock(mutex_);
  std::erase_if(roots_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = roots_[{settings.root, settings.symlinks, settings.hidden}];
  auto root = known.lock();
  if (!root) {
    root = std::make_shared<RootFolder>(settings.root,
                                        Confinement{settings.symlinks, settings.hidden}, log);
    known = root;
  }
  return root;
}

std::unique_ptr<FileStore> DiskFileStores::store_for(const FileSettings& settings) {
  if (settings.root.empty()) return nullptr;
  auto root = share_.root(settings, log_);
  static_cast<void>(root->now());  // a root that is missing is told at the start
  return std::make_unique<DiskStore>(std::move(root), settings, share_, post_);
}

}  // namespace fairlead
