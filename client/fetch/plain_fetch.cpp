#include "client/fetch/plain_fetch.hpp"

#include <utility>

namespace fairlead {

PlainFetch::PlainFetch(ClientShard& shard, Network& network, const Settings& settings,
                       std::string name, FetchTarget& target, RateLimit& rate,
                       std::function<void(const PlainOutcome&)> done)
    : shard_(shard),
      settings_(settings),
      name_(std::move(name)),
      target_(target),
      rate_(rate),
      resume_(shard,
              [this] {
                if (client_.connection() == nullptr) return;
                client_.connection()->resume();
                wait_for_more();
              }),
      done_(std::move(done)),
      client_(shard, network, settings.client, *this) {}

void PlainFetch::on_ready(const Destination&) {
  client_.connection()->send(name_);
  if (settings_.shutdown) client_.connection()->finish_sending();
  wait_for_more();
}

void PlainFetch::on_frame(const Frame& frame) {
  if (outcome_.bytes == 0) outcome_.problem = target_.begin({});
  if (outcome_.problem.empty()) outcome_.problem = target_.write(outcome_.bytes, frame.payload);
  if (!outcome_.problem.empty()) return client_.close();
  outcome_.bytes += frame.payload.size();
  const TimePoint until = rate_.take(frame.payload.size(), shard_.now());
  if (until <= shard_.now() || client_.connection() == nullptr) return wait_for_more();
  client_.connection()->pause();
  client_.set_deadline(kNever);
  resume_.set(until);
}

void PlainFetch::wait_for_more() {
  client_.set_deadline(deadline_after(shard_.now(), settings_.silence));
}

void PlainFetch::on_deadline() {
  outcome_.timed_out = true;
  client_.close();
}

void PlainFetch::on_ended(const Failure& failure) {
  outcome_.failure = failure;
  done_(outcome_);
}

}  // namespace fairlead
