#include "client/bench/engine/bench_traffic.hpp"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "common/hash/sha256.hpp"
#include "common/protocol/file_frames.hpp"

namespace fairlead {
namespace {

// ---- Messages ----

// The modes reply, conn, greet and idle; idle never has an operation.
class MessageTraffic final : public BenchTraffic {
 public:
  MessageTraffic(BenchScope& scope, Operations& operations)
      : scope_(scope), operations_(operations) {}

  void begin() override { received_ = 0; }
  bool sends() const override { return scope_.plan.has_message; }
  bool awaits_reply() const override {
    return is_greeted() || (scope_.plan.has_message && expectation_.awaits_reply());
  }
  std::size_t request_bytes_max() const noexcept override {
    return scope_.plan.messages.bytes_max();
  }
  std::uint32_t send(ServerConnection& connection, const MessageKey& key) override {
    // Made before the time of sending is taken, and not again while its reply comes.
    const bool is_oldest = operations_.outstanding() == 1;
    return connection.send(is_oldest ? oldest() : message(key, scope_.scratch), scope_.channel());
  }

  bool on_frame(const Frame& frame, BenchTime now) override {
    if (scope_.plan.load.mode == BenchMode::idle || !awaits_reply()) return true;
    if (!expectation_.awaits_reply()) {  // any greeting is right
      if (operations_.outstanding() > 0) operations_.complete(0, now);
      return true;
    }
    if (protocol() == Protocol::framed) return on_framed(frame, now);
    if (operations_.outstanding() == 0) return on_unasked(frame.payload, now);
    const bool is_stream = protocol() == Protocol::text && !scope_.plan.load.ends_replies &&
                           expectation_.reply_is_stream();
    if (is_torn_line(frame)) {
      received_ = frame.payload.size();
      return true;
    }
    return is_stream ? on_stream(frame.payload, now) : on_whole(0, frame.payload, now);
  }
  bool on_server_end(BenchTime) override { return false; }
  bool is_within_reply() const noexcept override { return received_ > 0; }

 private:
  Protocol protocol() const noexcept { return scope_.plan.load.connection.protocol; }
  bool is_greeted() const noexcept { return scope_.plan.load.mode == BenchMode::greet; }
  // The end of the connection came before that of the line.
  bool is_torn_line(const Frame& frame) const noexcept {
    const ReplySettings& reply = scope_.plan.connection.reply;
    const bool is_line = protocol() == Protocol::text && reply.boundary == ReplyBoundary::line &&
                         reply.until.empty() && !reply.end;
    return is_line && frame.line_end == LineEnd::none;
  }
  Bytes message(const MessageKey& key, std::string& scratch) const {
    return scope_.plan.has_message ? scope_.plan.messages.message(key, scratch) : Bytes();
  }

  // The message whose reply comes next.
  Bytes oldest() {
    const MessageKey key = operations_.key(0);
    if (oldest_number_ != key.of_connection) {
      oldest_ = message(key, oldest_scratch_);
      oldest_number_ = key.of_connection;
    }
    return oldest_;
  }

  // Plain text: replies follow each other, and only their length tells them apart.
  bool on_stream(Bytes delivery, BenchTime now) {
    while (!delivery.empty()) {
      if (operations_.outstanding() == 0) return on_unasked(delivery, now);
      const Bytes sent = oldest();
      const std::optional<std::size_t> right = expectation_.check_stream(delivery, sent, received_);
      if (!right) {
        const std::string came = expectation_.came(delivery, sent, received_);
        const bool is_another = belongs_to_another(came);
        return on_wrong(is_another ? MismatchKind::order : MismatchKind::content, 0, came, now);
      }
      received_ += *right;
      if (received_ < expectation_.expected_length(sent)) return true;
      received_ = 0;
      operations_.complete(0, now);
      delivery.remove_prefix(*right);
    }
    return true;
  }

  bool on_framed(const Frame& frame, BenchTime now) {
    const std::size_t which = frame.request_id == 0
                                  ? operations_.outstanding()
                                  : operations_.index_of_request(frame.request_id);
    const bool is_outstanding = which < operations_.outstanding();
    switch (frame.type) {
      case FrameType::reply:
        return is_outstanding ? on_whole(which, frame.payload, now)
                              : on_unasked(frame.payload, now);
      case FrameType::message:
        if (!is_greeted() || operations_.outstanding() == 0) return on_unasked(frame.payload, now);
        return on_whole(0, frame.payload, now);
      case FrameType::error:
        if (is_outstanding) operations_.fail(which, BenchError::request_refused, now);
        if (frame.request_id != 0) return true;
        [[fallthrough]];
      case FrameType::close:
        // Without a channel the end of the connection follows, and counts.
        if (frame.request_id != 0 || frame.channel == 0) return true;
        operations_.fail_all(BenchError::turned_away, BenchError::turned_away, now);
        return false;
      default:
        return true;
    }
  }

  bool on_whole(std::size_t which, Bytes reply, BenchTime now) {
    const Bytes sent = which == 0 ? oldest() : message(operations_.key(which), scope_.scratch);
    auto problem = expectation_.check_whole(reply, sent);
    const bool is_out_of_order = protocol() == Protocol::framed
                                     ? !problem && which > 0
                                     : problem && belongs_to_another(reply);
    if (is_out_of_order) problem = MismatchKind::order;
    if (problem) return on_wrong(*problem, which, reply, now);
    operations_.complete(which, now);
    return true;
  }

  bool belongs_to_another(Bytes came) {
    for (std::size_t i = 1; i < operations_.outstanding(); ++i) {
      const Bytes other = message(operations_.key(i), scope_.scratch_of_other);
      if (expectation_.is_order_mismatch(came, other)) return true;
    }
    return false;
  }

  // In plain text the begin of the reply after a wrong one is unknown.
  bool on_unasked(Bytes came, BenchTime now) {
    scope_.recorder.on_mismatch(
        expectation_.mismatch(MismatchKind::unasked, operations_.next_key(), {}, came), now, now);
    return protocol() != Protocol::text;
  }

  bool on_wrong(MismatchKind kind, std::size_t which, Bytes came, BenchTime now) {
    const MessageKey key = operations_.key(which);
    const Bytes sent = message(key, scope_.scratch);
    operations_.mismatch(which, expectation_.mismatch(kind, key, sent, came), now);
    return protocol() != Protocol::text;
  }

  BenchScope& scope_;
  const Expectation& expectation_ = scope_.plan.expectation;
  Operations& operations_;
  std::uint64_t received_ = 0;  // bytes of the oldest reply
  Bytes oldest_;
  std::string oldest_scratch_;  // holds it, unless it is a part of the plan
  std::uint64_t oldest_number_ = std::numeric_limits<std::uint64_t>::max();  // of its connection
};

// ---- Downloads ----

// The mode file. framed: GETs of the whole file, on a connection that stays; text: the name and LF,
// and the stream to its end, on a connection for each. Every download must be as long as the
// thread's first one, and have the same SHA-256.
class DownloadTraffic final : public BenchTraffic {
 public:
  DownloadTraffic(BenchScope& scope, Operations& operations)
      : scope_(scope), operations_(operations) {
    const std::string& name = scope.plan.load.file_name;
    if (is_framed()) {
      append_payload(request_, GetRequest{.identity = {}, .name = name});
    } else {
      request_ = name + "\n";
    }
  }

  void begin() override {
    static_cast<void>(hash_.finish());
    bytes_ = 0;
  }
  bool sends() const override { return true; }
  bool awaits_reply() const override { return true; }
  std::size_t request_bytes_max() const noexcept override { return request_.size(); }
  std::uint32_t send(ServerConnection& connection, const MessageKey&) override {
    if (!is_framed()) return connection.send(request_);
    return connection.send_frame(FrameType::get, scope_.channel(), request_, true);
  }

  bool on_frame(const Frame& frame, BenchTime now) override {
    if (!is_framed()) {
      add(frame.payload);
      return true;
    }
    const std::size_t which = operations_.index_of_request(frame.request_id);
    if (which == operations_.outstanding()) return true;
    if (frame.type == FrameType::data) add(frame.payload);
    if (frame.type == FrameType::end) complete(which, now);
    if (frame.type == FrameType::error) {
      begin();
      operations_.fail(which, BenchError::request_refused, now);
    }
    return true;
  }
  // Plain text: the end of the stream is taken for the end of the file.
  bool on_server_end(BenchTime now) override {
    if (is_framed() || operations_.outstanding() == 0 || bytes_ == 0) return false;
    complete(0, now);
    return true;
  }
  bool is_within_reply() const noexcept override { return bytes_ > 0; }

 private:
  bool is_framed() const noexcept {
    return scope_.plan.load.connection.protocol == Protocol::framed;
  }
  void add(Bytes bytes) {
    hash_.update(bytes);
    bytes_ += bytes.size();
  }
  void complete(std::size_t which, BenchTime now) {
    const FileSeen seen{std::exchange(bytes_, 0), hash_.finish()};
    std::optional<FileSeen>& first = scope_.first_download;
    if (!first) first = seen;
    if (seen.bytes == first->bytes && seen.digest == first->digest)
      return operations_.complete(which, now);
    const bool is_length = seen.bytes != first->bytes;
    const MessageKey key = operations_.key(which);
    operations_.mismatch(
        which,
        {.kind = is_length ? MismatchKind::length : MismatchKind::content,
         .number = key.number + 1,
         .connection = key.connection,
         .of_connection = key.of_connection + 1,
         .note = is_length ? std::to_string(seen.bytes) + " bytes; the first download had " +
                                 std::to_string(first->bytes)
                           : "another SHA-256 than that of the first download"},
        now);
  }

  BenchScope& scope_;
  Operations& operations_;
  std::string request_;  // what is sent for the file
  Sha256 hash_;          // of the download that comes
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<BenchTraffic> make_traffic(BenchScope& scope, Operations& operations) {
  if (scope.plan.load.mode == BenchMode::file)
    return std::make_unique<DownloadTraffic>(scope, operations);
  return std::make_unique<MessageTraffic>(scope, operations);
}

}  // namespace fairlead
