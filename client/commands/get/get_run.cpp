#include "client/commands/get/get_run.hpp"

#include <algorithm>
#include <utility>

#include "client/fetch/file_names.hpp"

namespace fairlead {
namespace {

std::string place_of(const WantedFile& file, const std::string& name) {
  std::string place;
  for (const std::string& folder : file.folders) place += folder + "/";
  return place + name;
}

}  // namespace

GetRun::GetRun(const GetSettings& settings, const TargetFolder& folder, GetReport& report,
               Output& out)
    : settings_(settings),
      folder_(folder),
      report_(report),
      out_(out),
      rate_(settings.bytes_per_second),
      loop_([this] {
        report_.on_interrupt();
        stop();
      }),
      refresh_(loop_.shard(), [this] { show_progress(); }),
      lanes_left_(settings.jobs) {
  for (std::uint32_t i = 0; i < settings.jobs; ++i)
    lanes_.push_back(std::make_unique<FetchLane>(*this));
}

void GetRun::run(std::deque<WantedFile> wanted) {
  wanted_ = std::move(wanted);
  for (const WantedFile& file : wanted_) {
    const bool looks_so = file.name.ends_with(".part") || file.name.ends_with(".part.info");
    if (looks_so) part_like_.insert(place_of(file, file.name));
  }
  report_.expect_files(wanted_.size());
  loop_.run([this] {
    for (const auto& lane : lanes_) lane->settle();
    show_progress();
  });
  // Once for all of its files.
  for (const auto& folders : to_sync_)
    if (const auto below = folder_.below(folders)) below->sync();
  if (!wanted_.empty()) report_.on_not_begun(wanted_.size());
}

void GetRun::stop() {
  takes_items_ = false;
  wanted_.clear();
  for (const auto& lane : lanes_) lane->stop();
}

void GetRun::on_server_lost(const Failure& failure) {
  const bool is_final = !has_connected_ || failure.told == CloseReason::unknown_service;
  // The other files would wait for the same server.
  if (!std::exchange(takes_items_, false) || !is_final) return;
  report_.fail_server(failure);
  stop();
}

std::uint64_t GetRun::request_bytes() const {
  std::size_t connections = 0;
  if (rate_.is_unlimited()) return kToTheEnd;
  for (const auto& lane : lanes_) connections += lane->connections();
  return rate_.request_bytes(connections);
}

void GetRun::on_lane_ended() {
  if (--lanes_left_ == 0) loop_.end();
}

void GetRun::show_progress() {
  std::vector<FetchLane*> busy;
  for (const auto& lane : lanes_)
    if (lane->progress() != nullptr) busy.push_back(lane.get());
  std::sort(busy.begin(), busy.end(), [](const FetchLane* lane, const FetchLane* other) {
    return lane->number() < other->number();
  });
  std::vector<const FetchedFile*> files;
  for (FetchLane* lane : busy) files.push_back(lane->progress());
  report_.show(files, shard().now());
  refresh_.set(shard().now() + kProgressEvery);
}

// ---- Files ----

std::optional<FetchItem> GetRun::next_item() {
  while (takes_items_ && !wanted_.empty()) {
    WantedFile wanted = std::move(wanted_.front());
    wanted_.pop_front();
    FetchedFile progress{.name = wanted.remote};
    const std::string part = part_name(wanted.name, folder_.name_bytes_max());
    const std::string info = info_name(wanted.name, folder_.name_bytes_max());
    if (part_like_.contains(place_of(wanted, part)) ||
        part_like_.contains(place_of(wanted, info))) {
      report_.on_failed(progress,
                        {kExitCannotWrite,
                         "what is fetched with it has the name of its temporary "
                         "file, " +
                             part + "; fetch it by itself, with -o"},
                        shard().now());
    } else if (auto target = open_target(wanted, settings_, folder_, out_)) {
      if (*target) return FetchItem{std::move(wanted), *std::move(target)};
      report_.on_skipped(progress, "is there already", shard().now());
    } else {
      report_.on_failed(progress, {kExitCannotWrite, target.error().what}, shard().now());
    }
  }
  return std::nullopt;
}

void GetRun::on_item_ended(const FetchItem& item, const FetchOutcome& outcome,
                           FetchedFile& progress) {
  if (outcome.end == FetchEnd::interrupted) return;
  if (outcome.end == FetchEnd::differs) {
    wanted_.push_front(item.wanted);
    wanted_.front().is_stale = true;
    return;
  }
  if (outcome.end == FetchEnd::complete) return on_stored(item, progress);
  report_.on_failed(progress, result_of(outcome), shard().now());
}

void GetRun::on_stored(const FetchItem& item, FetchedFile& progress) {
  if (item.target->only_compares())
    return report_.on_skipped(progress, "is up to date", shard().now());
  const std::string stored_as = item.target->stored_as();
  if (stored_as.empty()) return report_.on_skipped(progress, "is there already", shard().now());
  if (settings_.storing.syncs && !settings_.to_stdout) to_sync_.insert(item.wanted.folders);
  if (settings_.prints_sha256) out_.write(sum_line(item.target->digest(), stored_as));
  report_.on_done(progress, stored_as, shard().now());
}

}  // namespace fairlead
