#include "client/commands/conversation.hpp"

#include <utility>

#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

void Conversation::on_ready(const Destination& destination) {
  destination_ = destination;
  if (settings_.service.empty()) return on_service_open();
  channel_ = kServiceChannel;
  client_.connection()->open(settings_.service, kServiceChannel);
}

void Conversation::on_service_open() {
  open_ = true;
  screen_.on_open(destination_);
}

void Conversation::send_typed(const std::string& typed) {
  if (!open_) return screen_.notice("not connected; not sent: " + shown(typed));
  std::string message;
  try {
    message = message_bytes(typed, locale_.encoding, settings_.text);
  } catch (const UsageError& error) {
    return screen_.notice(std::string(error.what()) + "; not sent");
  }
  ServerConnection& connection = *client_.connection();
  if (connection.hello() && message.size() > connection.hello()->message_bytes_max)
    return screen_.notice("longer than the server takes; not sent");
  const bool has_no_bytes = settings_.client.connection.protocol == Protocol::text &&
                            settings_.client.connection.line_end == LineEnd::none;
  if (message.empty() && has_no_bytes) return;
  connection.send(message, channel_);
}

// Waits for the remaining replies for a limited time.
void Conversation::on_end_of_input() {
  if (std::exchange(input_ended_, true)) return;
  if (!open_) return end({});
  if (settings_.shutdown) client_.connection()->finish_sending();
  wait_for_the_rest();
}

void Conversation::end(CommandResult outcome) {
  if (!asked_) asked_ = std::move(outcome);
  client_.close();
}

void Conversation::on_frame(const Frame& frame) {
  if (input_ended_) wait_for_the_rest();
  if (settings_.client.connection.protocol == Protocol::framed) return on_framed(frame);
  show(frame);
}

void Conversation::on_framed(const Frame& frame) {
  switch (frame.type) {
    case FrameType::opened:
      return on_service_open();
    case FrameType::error: {
      if (frame.request_id == 0) return;  // the end of the connection, which on_ended tells
      const ToldReason told = read_reason(frame.payload);
      CommandResult outcome = result_of(told.reason, told.sentence);
      if (!open_) return end(std::move(outcome));
      return screen_.notice(escaped(outcome.line));
    }
    case FrameType::message:
    case FrameType::reply:
      return show(frame);
    default:
      return;
  }
}

void Conversation::show(const Frame& frame) {
  const bool in_pieces = settings_.client.connection.protocol == Protocol::text &&
                         settings_.client.connection.reply.boundary == ReplyBoundary::none &&
                         !screen_.data().is_terminal();
  if (in_pieces) {
    printer_.print_piece(frame);
  } else {
    printer_.print(frame);
  }
  if (!screen_.data().error().empty())
    end({kExitCannotWrite, "cannot write what came: " + screen_.data().error()});
}

void Conversation::show_fragment() {
  if (const std::string fragment = client_.take_fragment(); !fragment.empty())
    show({.payload = fragment});
  printer_.end_pieces();
}

void Conversation::on_retry(const Failure& failure, Duration wait) {
  show_fragment();
  screen_.notice(retry_notice(failure, std::exchange(open_, false), wait));
}

void Conversation::on_ended(const Failure& failure) {
  show_fragment();
  outcome_ = asked_ ? *asked_ : result_of(failure);
  open_ = false;
  over_ = true;
  if (!asked_ && failure.kind == FailureKind::none && !input_ended_)
    screen_.notice("the server ended the connection");
  screen_.on_over();
}

}  // namespace fairlead
