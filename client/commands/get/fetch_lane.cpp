#include "client/commands/get/fetch_lane.hpp"

#include <algorithm>
#include <utility>

#include "client/commands/get/get_run.hpp"

namespace fairlead {

FetchLane::FetchLane(GetRun& run) : run_(run), check_(run.shard(), [this] { check(); }) {
  for (std::uint32_t i = 0; i < run.settings().split; ++i)
    workers_.push_back(std::make_unique<FetchWorker>(run, *this));
  workers_left_ = workers_.size();
}

void FetchLane::settle() {
  if (std::exchange(settling_, true)) return;
  do {
    has_more_ = false;
    if (outcome_) end_item();
    if (!item_ && !stopping_) {
      auto item = run_.next_item();
      if (!item) {
        stop_workers();
        break;
      }
      begin_item(std::move(*item));
    }
    for (const auto& worker : workers_) worker->work();
  } while (has_more_ || outcome_);
  settling_ = false;
}

void FetchLane::begin_item(FetchItem item) {
  item_.emplace(std::move(item));
  number_ = run_.next_number();
  progress_ = {.name = item_->wanted.remote};
  FetchObserver& self = *this;
  fetch_ =
      std::make_shared<FileFetch>(item_->wanted.remote, *item_->target, run_.settings().file, self);
  for (const auto& worker : workers_) worker->reset();
  check();
}

void FetchLane::check() {
  if (!fetch_ || !fetch_->is_checking()) return;
  if (fetch_->check_leftover()) {
    check_.set(TimePoint());  // in the next turn
  } else {
    settle();
  }
}

void FetchLane::end_item() {
  progress();
  const FetchOutcome outcome = *std::exchange(outcome_, {});
  fetch_.reset();
  run_.on_item_ended(*std::exchange(item_, {}), outcome, progress_);
}

const FetchedFile* FetchLane::progress() {
  if (!fetch_) return nullptr;
  const bool is_known = !fetch_->identity().is_any();
  progress_.size_known = is_known;
  progress_.size = is_known ? fetch_->identity().size : 0;
  progress_.here = fetch_->is_checking() ? fetch_->checked_bytes() : fetch_->here_bytes();
  progress_.resumed = std::min(fetch_->resumed_bytes(), progress_.here);
  const bool connected = connections() > 0;
  progress_.state = fetch_->is_checking() ? FetchedFile::State::checking
                    : connected           ? FetchedFile::State::fetching
                    : progress_.here > 0  ? FetchedFile::State::retrying
                                          : FetchedFile::State::waiting;
  return &progress_;
}

std::size_t FetchLane::connections() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(workers_, [](const auto& worker) { return worker->is_connected(); }));
}

void FetchLane::on_changed(std::string_view what) {
  run_.report().say(item_->wanted.remote, std::string(what) + "; starting again");
}

void FetchLane::on_damaged(std::uint64_t chunks) {
  run_.report().say(item_->wanted.remote,
                    std::to_string(chunks) +
                        " MiB that were here and verified have been damaged since; fetching them "
                        "again; look at the disk");
}

void FetchLane::on_retry(const Failure& failure, Duration wait) {
  if (item_) run_.report().say(item_->wanted.remote, retry_notice(failure, true, wait));
}

void FetchLane::on_lost(const Failure& failure) {
  const auto is_lost = [](const auto& worker) { return worker->is_lost(); };
  if (!std::all_of(workers_.begin(), workers_.end(), is_lost)) return;
  run_.on_server_lost(failure);
  if (fetch_) fetch_->abandon(FetchEnd::lost, failure.what);
}

void FetchLane::stop() {
  if (fetch_) fetch_->abandon(FetchEnd::interrupted, {});
  if (outcome_) end_item();
  stop_workers();
}

void FetchLane::stop_workers() {
  if (std::exchange(stopping_, true)) return;
  check_.cancel();
  for (const auto& worker : workers_) worker->stop();
}

void FetchLane::on_stopped() {
  if (--workers_left_ == 0) run_.on_lane_ended();
}

}  // namespace fairlead
