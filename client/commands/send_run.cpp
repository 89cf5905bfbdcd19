#include "client/commands/send_run.hpp"

#include <optional>
#include <utility>

#include "client/commands/command_loop.hpp"
#include "common/config/units.hpp"

namespace fairlead {
namespace {

// With --no-reply: how long a server may take to end its side after ours.
constexpr Duration kLeaveWithin{1000};

// One run of the command, from dialling to its outcome.
class SendRun final : public ClientObserver {
 public:
  SendRun(const SendSettings& settings, Output& out, Encoding terminal)
      : settings_(settings),
        out_(out),
        printer_(out, settings.formats, terminal, settings.text.read),
        loop_([this] {
          finish({kExitInterrupted, ""});
        }),
        client_(loop_.shard(), loop_.network(), settings.client, *this) {}

  CommandResult run() {
    loop_.run([this] { client_.open(); });
    if (!out_.error().empty()) return {kExitCannotWrite, "cannot write the reply: " + out_.error()};
    return *outcome_;
  }

 private:
  enum class Phase { greeting, replying, leaving };

  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void send_next();
  void leave();
  void on_framed(const Frame& frame);
  void on_reply(const Frame& reply);
  void on_reply_complete();
  void on_leaving_deadline();
  void end_untaken();
  CommandResult result_without_reply(const Failure& failure);
  bool in_pieces() const;
  CommandResult result_of_reply(const Frame& reply, bool whole) const;
  void wait_for_reply() {
    client_.set_deadline(deadline_after(loop_.shard().now(), settings_.wait));
  }
  void finish(CommandResult outcome);

  const SendSettings& settings_;
  Output& out_;
  ReplyPrinter printer_;
  CommandLoop loop_;
  Client client_;
  Phase phase_ = Phase::replying;
  std::size_t sent_ = 0;
  std::uint64_t replies_left_ = 0;  // to the message sent last
  std::uint32_t request_id_ = 0;    // framed
  TimePoint left_since_ = kNever;
  bool something_came_ = false;
  std::optional<CommandResult> outcome_;
};

// ---- Sending ----

void SendRun::on_ready(const Destination&) {
  if (!settings_.greeting) return send_next();
  phase_ = Phase::greeting;
  wait_for_reply();
}

void SendRun::send_next() {
  ServerConnection& connection = *client_.connection();
  const std::string& message = settings_.messages[sent_++];
  if (connection.hello() && message.size() > connection.hello()->message_bytes_max) {
    return finish({kExitTooBig, "the message has " + std::to_string(message.size()) +
                                    " bytes and the server takes at most " +
                                    std::to_string(connection.hello()->message_bytes_max)});
  }
  phase_ = Phase::replying;
  replies_left_ = settings_.replies;
  request_id_ = connection.send(message, settings_.client.connection.channel());
  const bool last = sent_ == settings_.messages.size();
  if (!settings_.expects_reply) return last ? leave() : send_next();
  const bool framed = settings_.client.connection.protocol == Protocol::framed;
  // Tells plain servers where the last message ends; framed ones know.
  if (last && settings_.shutdown && !framed) connection.finish_sending();
  wait_for_reply();
}

// Closing with unread input would reset the connection, and could lose the message.
void SendRun::leave() {
  phase_ = Phase::leaving;
  client_.connection()->finish_sending();
  left_since_ = loop_.shard().now();
  client_.set_deadline(left_since_ + kLeaveWithin);
}

// ---- Receiving ----

void SendRun::on_frame(const Frame& frame) {
  if (phase_ == Phase::leaving) return;
  something_came_ = true;
  if (settings_.client.connection.protocol == Protocol::framed) return on_framed(frame);
  on_reply(frame);
}

void SendRun::on_framed(const Frame& frame) {
  if (frame.channel != settings_.client.connection.channel()) return;
  switch (frame.type) {
    case FrameType::error:
      if (frame.request_id != 0)
        finish(result_of(read_reason(FailureKind::turned_away, frame.payload)));
      return;
    case FrameType::message:
      // A message that answers no request: shown only if the options ask for it.
      if (phase_ == Phase::greeting || settings_.replies > 1) on_reply(frame);
      return;
    case FrameType::reply:
      if (frame.request_id == request_id_) on_reply(frame);
      return;
    default:
      return;
  }
}

void SendRun::on_reply(const Frame& reply) {
  if (in_pieces()) {
    printer_.print_piece(reply);
    wait_for_reply();
  } else {
    const bool whole = printer_.print(reply);
    if (CommandResult result = result_of_reply(reply, whole); result.exit_code != kExitOk)
      return finish(std::move(result));
  }
  if (!out_.error().empty()) return finish({});  // run() says why
  if (!in_pieces()) on_reply_complete();
}

// Replies without an end: each delivery is shown as it comes, until the server ends the connection.
bool SendRun::in_pieces() const {
  const ConnectionSettings& connection = settings_.client.connection;
  return connection.protocol == Protocol::text && connection.reply.until.empty() &&
         connection.reply.boundary == ReplyBoundary::none;
}

// Of a reply that was shown.
CommandResult SendRun::result_of_reply(const Frame& reply, bool whole) const {
  if (!whole) {
    return {kExitUnexpectedReply,
            "the reply ends within a character; the server cut it short, or -e should name its "
            "encoding"};
  }
  const std::string& until = settings_.client.connection.reply.until;
  if (reply.payload.ends_with(until)) return {};
  return {kExitUnexpectedReply, "the reply ended before the text of --until came; check that text"};
}

void SendRun::on_reply_complete() {
  if (phase_ == Phase::greeting) return send_next();
  if (--replies_left_ > 0) return wait_for_reply();
  if (sent_ < settings_.messages.size()) return send_next();
  finish({});
}

// ---- The end ----

void SendRun::on_deadline() {
  if (phase_ == Phase::leaving) return on_leaving_deadline();
  const std::string fragment = client_.take_fragment();
  if (!fragment.empty()) printer_.print({.payload = fragment});
  if (in_pieces()) printer_.end_pieces();
  if (client_.connection()->queued_bytes() > 0) return end_untaken();
  const std::string waited = format_duration(settings_.wait);
  finish({kExitTimeout, (something_came_ || !fragment.empty() ? "the reply was not complete within "
                                                              : "no reply within ") +
                            waited + "; give it longer with --wait, or use --no-reply"});
}

// If the server has taken everything, we need not wait for its FIN.
void SendRun::on_leaving_deadline() {
  if (client_.connection()->queued_bytes() == 0) return finish({});
  const TimePoint now = loop_.shard().now();
  if (now >= deadline_after(left_since_, settings_.wait)) return end_untaken();
  client_.set_deadline(now + kLeaveWithin);
}

void SendRun::end_untaken() {
  finish({kExitTimeout, "the server did not take the message within " +
                            format_duration(settings_.wait) + "; give it longer with --wait"});
}

void SendRun::on_ended(const Failure& failure) {
  if (!outcome_) outcome_ = result_without_reply(failure);
  loop_.end();
}

// The connection ended before all replies arrived.
CommandResult SendRun::result_without_reply(const Failure& failure) {
  if (phase_ == Phase::leaving) {
    if (failure.kind == FailureKind::none || failure.kind == FailureKind::turned_away) return {};
    return {kExitSendFailed,
            "the connection broke before the server had taken the message; send it again"};
  }
  if (const std::string fragment = client_.take_fragment(); !fragment.empty()) {
    something_came_ = true;
    printer_.print({.payload = fragment});
  }
  if (failure.kind != FailureKind::none) return result_of(failure);
  if (!something_came_) {
    return {kExitEmptyReply,
            "the server ended the connection without a reply; it may answer nothing (--no-reply) "
            "or want another message"};
  }
  if (in_pieces()) return result_of_reply({}, printer_.end_pieces());
  return {kExitEmptyReply,
          "the server ended the connection before all replies had come; -n says how many there "
          "are"};
}

void SendRun::finish(CommandResult outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
  client_.close();
}

}  // namespace

CommandResult send_messages(const SendSettings& settings, Output& out, Encoding terminal) {
  return SendRun(settings, out, terminal).run();
}

}  // namespace fairlead
