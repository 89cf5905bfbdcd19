#include "client/fetch/fetch_lane.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace fairlead {

FetchLane::FetchLane(Fetcher& fetcher, ClientShard& shard, Network& network,
                     const FetchSettings& settings, RateLimit& rate)
    : fetcher_(fetcher), settings_(settings), check_(shard, [this] { check(); }) {
  for (std::uint32_t i = 0; i < settings.split; ++i) {
    FetchWorkerOwner& self = *this;
    workers_.push_back(std::make_unique<FetchWorker>(self, shard, network, settings, rate,
                                                     std::random_device{}()));
  }
  workers_left_ = workers_.size();
}

FetchLane::~FetchLane() = default;

// Whatever has happened, this is what follows from it. Not from within a call of the fetch.
void FetchLane::settle() {
  if (std::exchange(settling_, true)) return;
  do {
    has_more_ = false;
    if (outcome_) end_item();
    if (!item_ && !stopping_) {
      auto item = fetcher_.next_item();
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
  number_ = ++fetcher_.items_begun_;
  progress_ = {.name = item_->remote};
  FetchObserver& self = *this;
  fetch_ = std::make_shared<FileFetch>(item_->remote, *item_->target, settings_.file, self);
  for (const auto& worker : workers_) worker->forgive();
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
  FetchItem item = std::move(*item_);
  item_.reset();
  fetcher_.observer_.on_item_ended(item, outcome, progress_);
}

const FetchedFile* FetchLane::progress() {
  if (!fetch_) return nullptr;
  const bool is_known = !fetch_->identity().is_any();
  progress_.size_known = is_known;
  progress_.size = is_known ? fetch_->identity().size : 0;
  progress_.here = fetch_->is_checking() ? fetch_->checked_bytes() : fetch_->here_bytes();
  progress_.resumed = std::min(fetch_->resumed_bytes(), progress_.here);
  const auto is_connected = [](const auto& worker) { return worker->is_connected(); };
  const bool connected = std::any_of(workers_.begin(), workers_.end(), is_connected);
  progress_.state = fetch_->is_checking() ? FetchedFile::State::checking
                    : connected           ? FetchedFile::State::fetching
                    : progress_.here > 0  ? FetchedFile::State::retrying
                                          : FetchedFile::State::waiting;
  return &progress_;
}

// ---- What happens to the file ----

void FetchLane::on_changed(std::string_view what) {
  fetcher_.observer_.on_notice(item_->remote, std::string(what) + "; starting again");
}

void FetchLane::on_damaged(std::uint64_t chunks) {
  fetcher_.observer_.on_notice(
      item_->remote, std::to_string(chunks) +
                         " MiB that were here and verified have been damaged since; fetching "
                         "them again; look at the disk");
}

void FetchLane::on_retry(const Failure& failure, Duration wait) {
  if (item_) fetcher_.observer_.on_retry(item_->remote, failure, wait);
}

void FetchLane::on_lost(const Failure& failure) {
  const auto is_lost = [](const auto& worker) { return worker->is_lost(); };
  if (!std::all_of(workers_.begin(), workers_.end(), is_lost)) return;
  const bool is_final = !has_been_connected() || failure.told == CloseReason::unknown_service;
  if (is_final) fetcher_.hopeless(failure);
  fetcher_.takes_items_ = false;  // they would wait for the same server
  if (fetch_) fetch_->abandon(FetchEnd::lost, failure.what);
}

// ---- The end ----

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
  if (--workers_left_ == 0) fetcher_.lane_ended();
}

}  // namespace fairlead
