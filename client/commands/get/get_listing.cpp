#include "client/commands/get/get_listing.hpp"

#include <utility>

#include "client/commands/command_loop.hpp"
#include "client/commands/get/stream_target.hpp"
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

// One run of a lister.
class Listing final : public ListerObserver {
 public:
  Listing(const GetSettings& settings, const TargetFolder& folder, GetReport& report)
      : folder_(folder),
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
    if (entry.kind == FileKind::directory) {
      const auto made = folder_.below(way);
      if (made) return;
      FetchedFile file{.name = remote};
      report_.expect_files(1);
      return report_.on_failed(file, {kExitCannotWrite, made.error().what}, loop_.shard().now());
    }
    std::string name = std::move(way.back());
    way.pop_back();
    files_.push_back({remote, std::move(way), std::move(name)});
  }

  void interrupt() {
    report_.on_interrupt();
    files_.clear();
    lister_.close();
  }

  const TargetFolder& folder_;
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
    files.push_back({name, {}, has_own ? components_of(name).back() : settings.stored_name});
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
  return folder.below(wanted.folders).and_then([&](TargetFolder below) {
    return PartFile::open(std::move(below), wanted.name, settings.if_exists);
  });
}

std::deque<WantedFile> list_files(const GetSettings& settings, const TargetFolder& folder,
                                  GetReport& report) {
  return Listing(settings, folder, report).run();
}

}  // namespace fairlead
