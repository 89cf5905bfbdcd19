#include "server/app/upgrade/departures.hpp"

#include <memory>
#include <utility>

namespace fairlead {

void Departures::begin() {
  shards_.for_each([](ShardThread& thread) { thread.shard.begin_walk(); });
}

void Departures::collect(std::size_t sessions_max, Done done) {
  done_ = std::move(done);
  sessions_max_ = sessions_max;
  asked_ = 0;
  ask();
}

void Departures::ask() {
  ShardThread& thread = shards_.at(shard_);
  thread.loop.post([this, &thread, sessions_max = sessions_max_] {
    thread.shard.begin_moves(sessions_max, [this](std::vector<Departing> sessions) {
      auto collected = std::make_shared<std::vector<Departing>>(std::move(sessions));
      shards_.first().loop.post([this, collected] { on_collected(std::move(*collected)); });
    });
  });
}

void Departures::on_collected(std::vector<Departing> sessions) {
  if (sessions.empty() && ++asked_ < shards_.size()) {
    shard_ = (shard_ + 1) % shards_.size();
    return ask();
  }
  std::exchange(done_, nullptr)(std::move(sessions));
}

void Departures::settle(const std::vector<Departed>& sessions) {
  ShardThread& thread = shards_.at(shard_);
  thread.loop.post([&thread, sessions] { thread.shard.end_moves(sessions); });
}

}  // namespace fairlead
