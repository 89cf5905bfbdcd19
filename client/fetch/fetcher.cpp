#include "client/fetch/fetcher.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "client/fetch/fetch_worker.hpp"

namespace fairlead {

// One file at a time, over the connections of one lane. Owned by its Fetcher.
class FetchLane final : private FetchObserver, private FetchWorkerOwner {
 public:
  FetchLane(Fetcher& fetcher, ClientShard& shard, Network& network, const FetchSettings& settings,
            RateLimit& rate);
  ~FetchLane();

  void begin() { settle(); }
  void stop();

  // The progress of the current file; null: there is none.
  const FetchedFile* progress();
  std::uint64_t number() const noexcept { return number_; }  // of that file, in order

 private:
  // FetchObserver.
  void on_changed(std::string_view what) override;
  void on_damaged(std::uint64_t chunks) override;
  void on_more() override { has_more_ = true; }
  void on_ended(const FetchOutcome& outcome) override { outcome_ = outcome; }

  // FetchWorkerOwner.
  std::shared_ptr<FileFetch> fetch() override { return fetch_; }
  void on_answers() override { settle(); }
  void on_retry(const Failure& failure, Duration wait) override;
  void on_lost(const Failure& failure) override;
  void on_connected() override { fetcher_.has_connected_ = true; }
  bool has_been_connected() const override { return fetcher_.has_connected_; }
  void on_stopped() override;

  void settle();
  void begin_item(FetchItem item);
  void end_item();
  void check();
  void stop_workers();

  Fetcher& fetcher_;
  const FetchSettings& settings_;
  ShardTimer check_;  // hashes the leftover of an earlier attempt, a part in each turn
  std::vector<std::unique_ptr<FetchWorker>> workers_;
  std::optional<FetchItem> item_;
  std::shared_ptr<FileFetch> fetch_;  // workers may still hold it when it has ended
  std::optional<FetchOutcome> outcome_;
  FetchedFile progress_;
  std::uint64_t number_ = 0;
  std::size_t workers_left_ = 0;
  bool has_more_ = false;
  bool settling_ = false;
  bool stopping_ = false;
};

Fetcher::Fetcher(ClientShard& shard, Network& network, const FetchSettings& settings,
                 RateLimit& rate, FetcherObserver& observer)
    : observer_(observer), lanes_left_(settings.jobs) {
  for (std::uint32_t i = 0; i < settings.jobs; ++i)
    lanes_.push_back(std::make_unique<FetchLane>(*this, shard, network, settings, rate));
}

Fetcher::~Fetcher() = default;

void Fetcher::begin() {
  for (const auto& lane : lanes_) lane->begin();
}

void Fetcher::stop() {
  takes_items_ = false;
  for (const auto& lane : lanes_) lane->stop();
}

std::optional<FetchItem> Fetcher::next_item() {
  return takes_items_ ? observer_.next_item() : std::nullopt;
}

void Fetcher::fail_server(const Failure& failure) {
  if (!takes_items_) return;
  takes_items_ = false;
  observer_.on_server_unusable(failure);
  stop();
}

void Fetcher::on_lane_ended() {
  if (--lanes_left_ == 0) observer_.on_all_ended();
}

std::vector<const FetchedFile*> Fetcher::active() {
  std::vector<FetchLane*> busy;
  for (const auto& lane : lanes_)
    if (lane->progress() != nullptr) busy.push_back(lane.get());
  std::sort(busy.begin(), busy.end(), [](const FetchLane* lane, const FetchLane* other) {
    return lane->number() < other->number();
  });
  std::vector<const FetchedFile*> files;
  for (FetchLane* lane : busy) files.push_back(lane->progress());
  return files;
}

// ---- Lanes ----

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

// Brings the lane into the state that follows from the latest events. Not within a call of the
// fetch.
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
  if (is_final) fetcher_.fail_server(failure);
  fetcher_.takes_items_ = false;  // they would wait for the same server
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
  if (--workers_left_ == 0) fetcher_.on_lane_ended();
}

}  // namespace fairlead
