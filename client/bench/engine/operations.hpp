// The operations of one connection under load: how many are due, and which of them wait for their
// replies.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>

#include "client/bench/engine/bench_recorder.hpp"
#include "client/bench/engine/bench_scope.hpp"

namespace fairlead {

// Part of a BenchConnection; records what becomes of each operation. Takes no memory for one.
//
// Invariant: begun <= due; the outstanding operations are the last of those begun.
class Operations {
 public:
  Operations(BenchScope& scope, std::uint32_t index)
      : scope_(scope),
        index_(index),
        ring_(scope.plan.connects_each ? 1 : scope.plan.load.inflight) {}

  // So many more may be begun.
  void make_due(std::uint64_t times);
  std::uint64_t unsent() const noexcept { return due_ - begun_; }
  // Completed and right, of all.
  std::uint64_t completed() const noexcept { return completed_; }
  // The same, while the load lasts.
  std::uint64_t sendable() const noexcept {
    return scope_.phase == BenchPhase::loading ? unsent() : 0;
  }

  std::size_t outstanding() const noexcept { return ring_.size(); }
  std::size_t room() const noexcept { return ring_.reserve(); }
  // `which` counts from the oldest, < outstanding().
  const Outstanding& operator[](std::size_t which) noexcept { return ring_[which]; }
  MessageKey key(std::size_t which) noexcept {
    return scope_.plan.key(index_, ring_[which].of_connection);
  }
  MessageKey next_key() const noexcept { return scope_.plan.key(index_, begun_); }

  // Puts the next one among the outstanding ones; on_sent() says when it left.
  void begin();

  // The newest `times` have left, for which there was room; the newest has this request id
  // (framed).
  void on_sent(BenchTime now, std::size_t times, const Room& room);
  void set_newest_request(std::uint32_t id) noexcept { newest_request_ = id; }

  // Which outstanding operation a frame is about; outstanding(): none. Request ids rise by one from
  // request to request.
  std::size_t index_of_request(std::uint32_t request_id) noexcept;

  // Ways to end one.
  void complete(std::size_t which, BenchTime now);
  void fail(std::size_t which, BenchError error, BenchTime now);
  void mismatch(std::size_t which, const Mismatch& mismatch, BenchTime now);

  void complete_all(BenchTime now);
  // The oldest fails with `first`, those behind it with `others`.
  void fail_all(BenchError first, BenchError others, BenchTime now);
  // The connection could not be opened: no operation's error if none has begun with it.
  void fail_opening(BenchError error, BenchTime since, BenchTime now);
  // The connection has ended because of a wrong reply: the others will have none.
  void abandon_all();
  // The load has ended: those that are due are never sent, because they wait for that. Those that
  // were due before the pause of a back-off wait for a connection.
  void give_up_unsent(Wait wait, BenchTime paused_from, BenchTime now);
  // The run has ended in order, with so many outstanding.
  void record_unfinished(BenchTime now);

  // Tells the owner, once, when there is nothing left to do.
  void tell_settled();

 private:
  BenchTime began(const Outstanding& operation) const { return scope_.recorder.began(operation); }
  // The next one to begin; its time to be sent is `now` where it has no other.
  Outstanding next(BenchTime now) const;
  void remove(std::size_t which);

  BenchScope& scope_;
  const std::uint32_t index_;
  boost::circular_buffer<Outstanding> ring_;  // takes its memory once
  std::uint64_t due_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t completed_ = 0;
  std::uint32_t newest_request_ = 0;
  bool is_busy_ = false;  // as the owner was told
};

}  // namespace fairlead
