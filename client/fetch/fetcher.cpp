#include "client/fetch/fetcher.hpp"

#include <algorithm>

#include "client/fetch/fetch_lane.hpp"

namespace fairlead {

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

void Fetcher::hopeless(const Failure& failure) {
  if (!takes_items_) return;
  takes_items_ = false;
  observer_.on_hopeless(failure);
  stop();
}

void Fetcher::lane_ended() {
  if (--lanes_left_ == 0) observer_.on_all_ended();
}

std::vector<const FetchedFile*> Fetcher::active() {
  std::vector<FetchLane*> busy;
  for (const auto& lane : lanes_)
    if (lane->progress() != nullptr) busy.push_back(lane.get());
  std::sort(busy.begin(), busy.end(), [](const FetchLane* one, const FetchLane* other) {
    return one->number() < other->number();
  });
  std::vector<const FetchedFile*> files;
  for (FetchLane* lane : busy) files.push_back(lane->progress());
  return files;
}

}  // namespace fairlead
