// fairlead get: files from a server, whole and verified, or a number that says why not.
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/commands/get/get_listing.hpp"
#include "client/commands/get/get_report.hpp"
#include "client/commands/get/get_settings.hpp"
#include "client/commands/get/stream_target.hpp"
#include "client/fetch/fetcher.hpp"
#include "client/fetch/file_names.hpp"
#include "client/fetch/target_folder.hpp"

namespace fairlead {
namespace {

std::string place_of(const WantedFile& file, const std::string& name) {
  std::string place;
  for (const std::string& folder : file.folders) place += folder + "/";
  return place + name;
}

// One run of the command over framed connections.
class GetRun final : public FetcherObserver {
 public:
  GetRun(const GetSettings& settings, const TargetFolder& folder, GetReport& report, Output& out)
      : settings_(settings),
        folder_(folder),
        report_(report),
        out_(out),
        rate_(settings.bytes_per_second),
        loop_([this] { interrupt(); }),
        refresh_(loop_.shard(), [this] { show_progress(); }),
        fetcher_(loop_.shard(), loop_.network(), settings.fetch, rate_, *this) {}

  void run(std::deque<WantedFile> wanted) {
    wanted_ = std::move(wanted);
    for (const WantedFile& file : wanted_) {
      const bool looks_so = file.name.ends_with(".part") || file.name.ends_with(".part.info");
      if (looks_so) part_like_.insert(place_of(file, file.name));
    }
    report_.expect_files(wanted_.size());
    loop_.run([this] {
      fetcher_.begin();
      show_progress();
    });
  }

 private:
  // FetcherObserver.
  std::optional<FetchItem> next_item() override;
  void on_notice(const std::string& remote, std::string_view what) override {
    report_.say(remote, what);
  }
  void on_retry(const std::string& remote, const Failure& failure, Duration wait) override {
    report_.say(remote, retry_notice(failure, true, wait));
  }
  void on_item_ended(FetchItem& item, const FetchOutcome& outcome, FetchedFile& progress) override;
  void on_server_unusable(const Failure& failure) override;
  void on_all_ended() override;

  std::optional<FetchItem> open(const WantedFile& wanted);
  Result<std::unique_ptr<PartFile>> open_part_of(const WantedFile& wanted) const;
  void show_progress();
  void interrupt();

  const GetSettings& settings_;
  const TargetFolder& folder_;
  GetReport& report_;
  Output& out_;
  RateLimit rate_;
  CommandLoop loop_;
  ShardTimer refresh_;
  Fetcher fetcher_;
  std::deque<WantedFile> wanted_;
  std::set<std::string> part_like_;  // targets among them whose names look like a part file
};

std::optional<FetchItem> GetRun::next_item() {
  while (!wanted_.empty()) {
    const WantedFile wanted = std::move(wanted_.front());
    wanted_.pop_front();
    if (auto item = open(wanted)) return item;
  }
  return std::nullopt;
}

Result<std::unique_ptr<PartFile>> GetRun::open_part_of(const WantedFile& wanted) const {
  if (part_like_.contains(place_of(wanted, part_name(wanted.name))) ||
      part_like_.contains(place_of(wanted, info_name(wanted.name)))) {
    return make_error("what is fetched with it has the name of its temporary file, " +
                      part_name(wanted.name) + "; fetch it by itself, with -o");
  }
  return open_part(folder_, wanted.folders, wanted.name, settings_.if_exists);
}

// Empty: the file cannot be stored, or is skipped.
std::optional<FetchItem> GetRun::open(const WantedFile& wanted) {
  if (settings_.to_stdout) {
    return FetchItem{wanted.remote,
                     std::make_unique<StreamTarget>(out_, StreamTarget::Release::verified)};
  }
  auto file = open_part_of(wanted);
  if (file && *file) return FetchItem{wanted.remote, *std::move(file)};
  FetchedFile progress{.name = wanted.remote};
  if (file) {
    report_.on_skipped(progress, loop_.shard().now());
  } else {
    report_.on_failed(progress, {kExitCannotWrite, file.error().what}, loop_.shard().now());
  }
  return std::nullopt;
}

void GetRun::on_item_ended(FetchItem& item, const FetchOutcome& outcome, FetchedFile& progress) {
  const TimePoint now = loop_.shard().now();
  if (outcome.end == FetchEnd::interrupted) return;
  if (outcome.end != FetchEnd::complete)
    return report_.on_failed(progress, result_of(outcome), now);
  const auto* file = dynamic_cast<const PartFile*>(item.target.get());
  if (file != nullptr && file->was_skipped()) return report_.on_skipped(progress, now);
  report_.on_done(progress, file != nullptr ? file->stored_as() : std::string("stdout"), now);
}

void GetRun::on_server_unusable(const Failure& failure) {
  wanted_.clear();
  report_.fail_server(failure);
}

void GetRun::on_all_ended() {
  if (!wanted_.empty()) report_.on_not_begun(wanted_.size());
  loop_.end();
}

void GetRun::show_progress() {
  report_.show(fetcher_.active(), loop_.shard().now());
  refresh_.set(loop_.shard().now() + kProgressEvery);
}

void GetRun::interrupt() {
  wanted_.clear();
  report_.on_interrupt();
  fetcher_.stop();
}

}  // namespace

std::string get_help() {
  std::ostringstream out;
  out << "Usage: fairlead get [OPTIONS] ADDRESS NAME...\n"
         "Fetches files. What is stored under its name is whole and verified, chunk by chunk,\n"
         "by the server's SHA-256; until then it is NAME.part, and the same command goes on\n"
         "with that. A server that speaks only the tutorials' protocol (--protocol text) can\n"
         "verify nothing.\n\n"
      << get_options()
      << "\nExit codes: 0 stored, 2 usage, 6 name not resolved, 7 cannot connect, 18 connection\n"
         "lost (run it again), 23 cannot write, 28 timeout, 36 the file changed, 52 nothing came\n"
         "(text), 56 damaged on its way or reset, 78 no such file, 130 Ctrl-C\n"
         "\n  fairlead get localhost report.pdf\n"
         "  fairlead get -r -O backup -j 8 localhost logs\n"
         "  fairlead get -o - localhost song.mp3 | mpv -\n"
         "  fairlead get --protocol text -e gbk localhost:8080 文件.txt\n";
  return out.str();
}

int run_get(const Words& arguments, const TerminalLocale& locale) {
  const GetSettings settings = get_settings(read_options("get", get_options(), arguments), locale);
  Output out(1);
  GetReport report(settings, locale);
  Result<TargetFolder> opened = TargetFolder::open(settings.folder);
  if (!settings.to_stdout && !opened)
    return fairlead::report(settings.client().server.text(),
                            {kExitCannotWrite, opened.error().what});
  const TargetFolder folder = opened ? *std::move(opened) : TargetFolder();
  if (settings.is_plain) {
    get_plain(settings, folder, report, out);
  } else {
    auto files = settings.recursive ? list_files(settings, folder, report) : named_files(settings);
    GetRun(settings, folder, report, out).run(std::move(files));
  }
  return report.end();
}

}  // namespace fairlead
