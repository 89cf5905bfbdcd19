#include "client/commands/get/get_listing.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <utility>

#include "client/commands/command_loop.hpp"
#include "client/commands/get/stream_target.hpp"
#include "client/fetch/compared_file.hpp"
#include "client/fetch/disk_space.hpp"
#include "client/fetch/file_names.hpp"
#include "client/fetch/lister.hpp"

namespace fairlead {
namespace {

ListerSettings lister_settings(const GetSettings& settings) {
  ListerSettings lister;
  lister.client = settings.client;
  lister.recursive = true;
  lister.timeout = settings.silence;
  return lister;
}

constexpr std::int64_t kBlockBytes = 512;  // of st_blocks

// What is stored in a file's blocks; nothing unless it is a regular file on that device.
std::optional<std::int64_t> stored_bytes(int folder, const std::string& path, dev_t device) {
  struct stat found {};
  const bool is_there = ::fstatat(folder, path.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISREG(found.st_mode) && found.st_dev == device;
  if (!is_there) return std::nullopt;
  return found.st_blocks * kBlockBytes;
}

// The bytes that the files will take of the disk of `folder`, at the least; those below another
// mount point are not counted.
std::int64_t needed_bytes(const std::deque<WantedFile>& files, const GetSettings& settings,
                          const TargetFolder& folder) {
  struct stat top {
  }, below{};
  if (::fstat(folder.descriptor(), &top) != 0) return 0;
  std::int64_t needed = 0;
  for (const WantedFile& file : files) {
    std::string way;
    for (const std::string& name : file.folders) way += name + '/';
    const bool is_here =
        way.empty() ||
        (::fstatat(folder.descriptor(), way.c_str(), &below, 0) == 0 && below.st_dev == top.st_dev);
    if (!is_here) continue;
    const auto stored = [&](const std::string& name) {
      return stored_bytes(folder.descriptor(), way + name, top.st_dev);
    };
    const IfExists if_exists = settings.storing.if_exists;
    const auto old = if_exists == IfExists::rename ? std::nullopt : stored(file.name);
    if (old && if_exists != IfExists::overwrite) continue;  // it is not fetched
    const std::string part = part_name(file.name, folder.name_bytes_max());
    needed += static_cast<std::int64_t>(file.size) - old.value_or(0) - stored(part).value_or(0);
  }
  return needed;
}

// One run of a lister.
class Listing final : public ListerObserver {
 public:
  Listing(const GetSettings& settings, const TargetFolder& folder, GetReport& report)
      : folder_(folder),
        filter_(settings.filter),
        report_(report),
        loop_([this] { interrupt(); }),
        lister_(loop_.shard(), loop_.network(), lister_settings(settings), *this) {
    for (const std::string& name : settings.names) names_.push_back(remote_name(name));
  }

  std::deque<WantedFile> run() {
    loop_.run([this] { lister_.open(names_); });
    return std::move(files_);
  }

 private:
  void on_entries(std::size_t asked, std::span<const FileEntry> entries) override {
    for (const FileEntry& entry : entries) add(asked, entry);
  }
  void on_failed(std::size_t asked, std::string_view below, const Failure& failure) override {
    FetchedFile file{.name = joined_name(names_[asked], std::string(below))};
    report_.expect_files(1);
    report_.on_failed(file, result_of(failure.told, failure.what), loop_.shard().now());
  }
  void on_ended(const Failure& failure) override {
    if (failure.kind != FailureKind::none) {
      report_.fail_server(failure);
      files_.clear();
    }
    loop_.end();
  }

  // The target path begins with the last component of the user's name, followed by the components
  // of the entry that components_of() accepts.
  void add(std::size_t asked, const FileEntry& entry) {
    const std::string remote = joined_name(names_[asked], entry.name);
    std::vector<std::string> way;
    if (!names_[asked].empty()) way.push_back(components_of(names_[asked]).back());
    for (std::string& component : components_of(entry.name)) way.push_back(std::move(component));
    const std::string below = entry.name.empty() ? stored_name(names_[asked]) : entry.name;
    if (entry.kind == FileKind::directory) {
      if (!filter_.takes_directory(below)) return;
      const auto made = folder_.below(way);
      if (made) return;
      FetchedFile file{.name = remote};
      report_.expect_files(1);
      return report_.on_failed(file, {kExitCannotWrite, made.error().what}, loop_.shard().now());
    }
    if (!filter_.takes_file(below)) return;
    std::string name = std::move(way.back());
    way.pop_back();
    files_.push_back({remote, std::move(way), std::move(name), entry.size});
  }

  void interrupt() {
    report_.on_interrupt();
    files_.clear();
    lister_.close();
  }

  const TargetFolder& folder_;
  const NameFilter& filter_;
  GetReport& report_;
  CommandLoop loop_;
  std::vector<std::string> names_;
  std::deque<WantedFile> files_;
  Lister lister_;
};

}  // namespace

std::deque<WantedFile> named_files(const GetSettings& settings) {
  std::deque<WantedFile> files;
  for (const std::string& name : settings.names) {
    const bool has_own = settings.stored_name.empty();
    files.push_back({name, {}, has_own ? stored_name(name) : settings.stored_name});
  }
  return files;
}

Result<std::unique_ptr<FetchTarget>> open_target(const WantedFile& wanted,
                                                 const GetSettings& settings,
                                                 const TargetFolder& folder, Output& out) {
  using Release = StreamTarget::Release;
  if (settings.to_stdout) {
    return std::make_unique<StreamTarget>(out,
                                          settings.is_plain ? Release::at_once : Release::verified);
  }
  return folder.below(wanted.folders)
      .and_then([&](TargetFolder below) -> Result<std::unique_ptr<FetchTarget>> {
        const bool compares = settings.storing.if_exists == IfExists::update && !wanted.is_stale;
        if (auto file = compares ? ComparedFile::open(below, wanted.name) : nullptr) return file;
        return PartFile::open(std::move(below), wanted.name, settings.storing);
      });
}

std::deque<WantedFile> list_files(const GetSettings& settings, const TargetFolder& folder,
                                  GetReport& report) {
  std::deque<WantedFile> files = Listing(settings, folder, report).run();
  const std::int64_t needed = needed_bytes(files, settings, folder);
  const auto free = free_bytes(folder.descriptor());
  if (needed > 0 && free && static_cast<std::uint64_t>(needed) > *free) {
    report.fail_all({kExitCannotWrite, "there is no room for the " + std::to_string(files.size()) +
                                           " files: " + no_room(needed, *free)});
    files.clear();
  }
  return files;
}

}  // namespace fairlead
