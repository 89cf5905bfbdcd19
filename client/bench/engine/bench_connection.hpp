// One connection under load: sends what is due as soon as there is room, and counts what becomes of
// it.
#pragma once

#include <cstdint>
#include <memory>

#include "client/bench/engine/bench_connector.hpp"
#include "client/bench/engine/bench_traffic.hpp"
#include "client/bench/engine/operations.hpp"

namespace fairlead {

// Owned by its worker; used in turns of the scope's shard; destroyed once the loop runs no more.
// Where each operation has a connection of its own, it begins when that is opened. What one read
// has made possible leaves in one write, at once.
class BenchConnection final : private BenchConnectorObserver {
 public:
  BenchConnection(BenchScope& scope, std::uint32_t index);

  // Connects, unless it is connected or about to be.
  void open();

  // So many more operations may be begun; work() begins them.
  void make_due(std::uint64_t times) { operations_.make_due(times); }

  // Begins what is due, as far as there is room. Called in a turn, once the load has begun.
  void work();

  // The owner calls it after BenchConnectionOwner::resume_later().
  void resume() {
    will_resume_ = false;
    work();
  }

  // Tells the owner, once, when there is nothing left to do.
  void tell_settled() { operations_.tell_settled(); }

  // Gives up a connection whose oldest reply is later than the load allows.
  void check_patience(BenchTime now);

  std::size_t outstanding() const noexcept { return operations_.outstanding(); }
  std::uint64_t unsent() const noexcept { return operations_.unsent(); }

 private:
  // BenchConnectorObserver.
  void on_open() override;
  void on_open_failed(BenchError error, BenchTime since, BenchTime now) override {
    operations_.fail_opening(error, since, now);
  }
  void on_frame(const Frame& frame, BenchTime now) override {
    if (!traffic_->on_frame(frame, now)) connector_.give_up();
  }
  void on_delivered(BenchTime now) override;
  void on_drained(BenchTime now) override;
  bool on_lost(const Failure& failure, BenchTime now) override;
  void on_closed() override;
  void on_reopen() override;

  void send_due();
  void send_only_one();
  void on_all_sent(BenchTime now);
  void finish_unanswered(BenchTime now);
  void resume_later();
  std::uint64_t sendable() const noexcept;
  bool is_used_up() const noexcept { return uses_left_ == 0; }
  bool has_room() const noexcept { return operations_.room() > 0 && !is_blocked_ && !is_used_up(); }
  void set_room(BenchTime now, bool by_reply) noexcept;

  BenchScope& scope_;
  Operations operations_;
  std::unique_ptr<BenchTraffic> traffic_;
  BenchConnector connector_;
  std::uint64_t uses_left_ = 0;  // operations, until the connection is replaced
  Operations::Room room_;        // what made the last room
  bool had_room_ = true;
  bool is_blocked_ = false;  // the kernel takes no more at the moment
  bool will_resume_ = false;
};

}  // namespace fairlead
