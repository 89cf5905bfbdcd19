// Both ends of a connection for tests: a ByteStream for what is tested, and beside it the peer and
// the kernel between them. The peer is called the client; in tests of the client it is the server.
// Behaves as common/io's Link does, without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/byte_stream.hpp"

namespace fairlead {

// How the kernel and the loop treat one connection.
struct FakeConditions {
  // Bytes that the kernel holds for a client that does not read.
  std::size_t kernel_bytes_max = SIZE_MAX;
  // What one read delivers at most.
  std::size_t read_bytes_max = 64 * 1024;
  // False: the client takes nothing by itself, but what take() asks for.
  bool client_reads = true;
  // The kernel tells of room only when there is so much of it (TCP_NOTSENT_LOWAT does the same).
  std::size_t room_bytes_min = 1;
  // True: a probe is answered in an event of its own. False: within the call.
  bool probe_answers_later = true;
  // True: start() fails, as it does without memory for the reactor.
  bool start_fails = false;
  // -1: the connection cannot go to another process.
  int descriptor = 100;
  // True: what was pending when the stream was halted had taken some bytes already.
  bool halt_finds_bytes = false;
};

// What happened on one connection, for a trace.
enum class FakeEvent : std::uint8_t {
  delivered,
  end_delivered,
  error_delivered,
  silence,
  written,
  sent,  // with what the kernel has taken of one write
  fin,
  terminated_quietly,
  terminated_by_reset,
  finished,
  left
};

// The whole connection; owned by the test, outlives the stream it has made. Every event is
// delivered by run_event(), which the test calls within a turn, as a loop would.
class FakeConnection {
 public:
  explicit FakeConnection(FakeConditions of = {}) : conditions(of) {}
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  // Once, and once more behind each stream that has left the connection to another one.
  std::unique_ptr<ByteStream> make_stream();

  // What the daemon has set; nothing: as the listening socket had it.
  std::optional<Duration> user_timeout() const { return user_timeout_; }

  // ---- The client. Nothing reaches the other side before run_event().

  void send(Bytes bytes);
  void end() { client_ended_ = true; }  // shutdown(SHUT_WR)
  // What has not been delivered is lost with the connection.
  void fail(StreamError error) { error_ = error; }
  // A write meets the reset before a read does: the next one fails, or the one that is pending.
  // What has not been delivered is left to a probe.
  void fail_write(StreamError error) { write_error_ = error; }
  // close(2) at the client: whatever the server sends from now on is answered by a reset.
  void leave();
  // Reads up to `bytes` of what the kernel holds; also what has come by itself stands in
  // received().
  void take(std::size_t bytes);

  const std::string& received() const { return received_; }
  std::size_t held_by_kernel() const { return kernel_.size(); }
  // The FIN has come, and everything before it has been read.
  bool saw_end() const { return fin_sent_ && kernel_.empty() && !saw_reset_; }
  bool saw_reset() const { return saw_reset_; }
  bool is_over() const { return saw_reset_ || fin_sent_; }

  // ---- The loop.

  bool has_event() const;
  // Delivers one event. Called within a turn, only while has_event().
  void run_event();

  // ---- What the tests ask.

  bool is_finished() const { return finished_; }    // on_finished has been called
  bool is_destroyed() const { return destroyed_; }  // the stream is gone
  bool is_reading() const { return reading_; }      // a read is pending
  bool is_paused() const { return paused_; }
  std::size_t undelivered_bytes() const { return inbox_.size(); }
  std::size_t queued_bytes() const { return later_bytes_; }  // given to write_later, not taken
  std::uint64_t delivered_bytes() const { return delivered_bytes_; }
  std::uint64_t sent_bytes() const { return sent_bytes_; }
  std::size_t writes() const { return writes_; }
  // The first breach of the contract by the user of the stream; empty: none.
  const std::string& breach() const { return breach_; }

  FakeConditions conditions;                       // may change at any time
  std::function<void(FakeEvent, Bytes)> on_event;  // optional: the trace

 private:
  class End;

  void start(StreamObserver& observer);
  std::size_t write_some(std::span<const Bytes> pieces);
  std::size_t write_file(const FilePart& part);
  void write_later(std::span<const Bytes> pieces);
  void shut_down();
  std::size_t give_to_kernel(std::span<const Bytes> pieces);
  void report_write_error();
  std::size_t room() const;
  void probe();
  void halt();
  void run_halt();
  bool deliver(bool wanted);
  std::string take_from_inbox(std::size_t size);
  void terminate(TerminateManner manner);
  void note(FakeEvent event, Bytes bytes = {});
  void break_contract(std::string_view how);

  StreamObserver* observer_ = nullptr;

  std::string inbox_;  // sent by the client, not delivered
  bool client_ended_ = false;
  bool client_left_ = false;
  bool ended_ = false;  // the end, or an error, has been delivered
  bool ended_by_error_ = false;
  std::optional<StreamError> error_;
  std::optional<StreamError> write_error_;

  std::vector<Bytes> later_;  // what write_later() is to write
  std::size_t later_bytes_ = 0;
  std::string kernel_;    // accepted by the kernel
  std::string received_;  // read by the client

  bool reading_ = false;
  bool paused_ = false;
  bool probing_ = false;
  bool halting_ = false;
  bool left_ = false;     // the connection, by terminate(leave)
  bool writing_ = false;  // write_later() is pending
  bool fin_sent_ = false;
  bool saw_reset_ = false;
  bool terminated_ = false;
  bool finished_ = false;
  bool destroyed_ = false;
  std::uint64_t delivered_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::size_t writes_ = 0;
  std::optional<Duration> user_timeout_;
  std::string breach_;
};

}  // namespace fairlead
