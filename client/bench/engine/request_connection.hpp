// A connection on which requests are sent, each of which is answered.
#pragma once

#include <cstddef>
#include <cstdint>

#include "client/bench/engine/bench_connection.hpp"

namespace fairlead {

// Sends what is due as soon as there is room for it; its heirs know what a request is and what must
// come. Where each operation has a connection of its own, it begins when that is asked for.
//
// What one read has made possible leaves in one write, at once. Takes no memory for a request.
class RequestConnection : public BenchConnection {
 public:
  RequestConnection(BenchScope& scope, std::uint32_t index) : BenchConnection(scope, index) {}

  void work() final;

 protected:
  // Sends one, and returns its request id, or 0.
  virtual std::uint32_t send_request(std::uint64_t of_connection) = 0;
  virtual std::size_t request_bytes_max() const noexcept = 0;
  virtual bool sends() const { return true; }  // else the server speaks first
  virtual bool awaits_reply() const = 0;       // else an operation is over when it has left
  virtual void on_first_request() {}           // of a connection is about to be sent

  // The outstanding operation `which`, from the oldest, is answered, and rightly; or over, because
  // it has been counted as something else.
  void answered(std::size_t which) {
    scope().recorder.done(ring()[which], delivered_at());
    over(which);
  }
  void over(std::size_t which) {
    ring()[which].is_answered = true;
    while (!ring().empty() && ring().front().is_answered) ring().pop();
  }

  // framed: which outstanding operation a frame is about; outstanding() where it is none.
  std::size_t index_of_request(std::uint32_t request_id) noexcept;
  // framed: the server has answered it with ERROR.
  void refused(std::uint32_t request_id);

 private:
  // BenchConnection.
  void on_open() final;
  void on_replies_end() final;
  void on_room() final;
  void on_opening(BenchTime now) final;
  void reopen() final;

  void send_what_is_due();
  void send_only_one();
  void sent_all(BenchTime now);
  void finish_unanswered(BenchTime now);
  bool is_used_up() const noexcept { return uses_left_ == 0; }
  bool has_room() const noexcept { return !ring().full() && !is_blocked_ && !is_used_up(); }
  std::uint64_t may_send() const noexcept;
  void got_room(BenchTime now, bool by_reply) noexcept;

  std::uint64_t uses_left_ = 0;       // operations, until the connection is replaced
  std::uint32_t newest_request_ = 0;  // the id of the newest outstanding one
  BenchTime room_since_{};            // when there last was none before
  bool room_by_reply_ = false;        // and what made it
  bool had_room_ = true;
  bool is_blocked_ = false;  // the kernel takes no more just now
};

}  // namespace fairlead
