// fairlead send: messages out, replies in, and a number that says how it went.
#include <unistd.h>

#include <optional>
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/commands/prompt.hpp"
#include "common/config/units.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

struct SendSettings : TalkSettings {
  std::vector<std::string> messages = {};  // ready to be sent, at least one
  std::uint64_t replies = 1;               // for each message
  bool expects_reply = true;
  bool greeting = false;
};

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

// If the server has taken everything, we need not wait for its FIN. What only our kernel has taken
// may still be lost.
void SendRun::on_leaving_deadline() {
  const ServerConnection& connection = *client_.connection();
  if (connection.queued_bytes() == 0 && connection.unacknowledged_bytes() == 0) return finish({});
  const TimePoint now = loop_.shard().now();
  if (now >= deadline_after(left_since_, settings_.wait)) return end_untaken();
  client_.set_deadline(now + kLeaveWithin);
}

void SendRun::end_untaken() {
  finish({kExitTimeout, "the server did not take the message within " +
                            format_duration(settings_.wait) + "; give it longer with --wait"});
}

void SendRun::on_ended(const Failure& failure) {
  if (!outcome_) {
    outcome_ = result_without_reply(failure);
  } else if (outcome_->exit_code == kExitOk && failure.unsent) {
    outcome_ = {kExitSendFailed,
                "the server answered before it had taken the message, and reset the connection; "
                "its answer may say why"};
  }
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

// ---- The command line ----

po::options_description send_options() {
  po::options_description options("Options", kHelpColumns);
  add_text_options(options);
  add_options(options,
              {{"no-reply", "", "wait for no reply"},
               {"greeting", "", "the server speaks first: print that, then send"},
               {"count,n", "COUNT", "how many replies to wait for, to each message (default 1)"},
               {"wait,w", "TIME", "how long to wait for a reply (default 5s; 0: for ever)"},
               {"until", "TEXT", "text: a reply ends with TEXT and nowhere else"},
               {"show", "FORMS",
                "how to print replies: text (default), raw, hex, json, or several: text,hex"},
               {"no-shutdown", "", "do not tell the server that nothing more will be sent"}});
  add_connection_options(options);
  return options;
}

std::string joined(const Words& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

// What the user typed: one message, or one for each line of stdin.
Words typed_messages(const Words& words, bool by_line, const TerminalLocale& locale) {
  const bool from_stdin = words == Words{"-"} || (words.empty() && ::isatty(0) != 1);
  if (!from_stdin) return {words.empty() ? ask(prompt_texts(locale).text) : joined(words)};
  std::string all = contents_of("", "-", kMessageBytesCeiling);
  // What is behind the bound has not been read: its lines would be lost without a word.
  const bool is_read = all.size() <= kMessageBytesCeiling;
  return by_line && is_read ? lines_of(all) : Words{std::move(all)};
}

SendSettings send_settings(const ReadOptions& options, const TerminalLocale& locale) {
  if (options.positional.empty())
    throw UsageError("send: no address; `fairlead help send` shows how it is used");
  SendSettings settings{talk_settings(options, options.positional.front())};
  ConnectionSettings& connection = settings.client.connection;
  connection.reply.until = message_bytes(options.text("until"), locale.encoding, settings.text);
  settings.replies = count_option(options, "count", 1);
  settings.expects_reply = !options.has("no-reply");
  settings.greeting = options.has("greeting");
  if (settings.replies == 0) throw UsageError("-n 0: use --no-reply to wait for nothing");

  const bool by_line = connection.reply.boundary == ReplyBoundary::line;
  const bool text = connection.protocol == Protocol::text;
  if (by_line && text) connection.line_end = LineEnd::lf;
  const Words words(options.positional.begin() + 1, options.positional.end());
  for (const std::string& typed : typed_messages(words, by_line, locale))
    settings.messages.push_back(message_bytes(typed, locale.encoding, settings.text));
  return settings;
}

// Rejects messages that cannot be sent, before connecting.
CommandResult check(const SendSettings& settings) {
  for (const std::string& message : settings.messages) {
    if (message.size() > kMessageBytesCeiling)
      return {kExitTooBig,
              "a message, or stdin, has at most 16 MiB - 1 bytes; send it in parts, or lines by "
              "`fairlead term --plain`"};
  }
  const bool by_line = settings.client.connection.line_end != LineEnd::none;
  const bool text = settings.client.connection.protocol == Protocol::text;
  const bool nothing =
      settings.messages.empty() || (text && !by_line && settings.messages.front().empty());
  if (nothing)
    throw UsageError("send: the message is empty; give it as argument or through a pipe");
  return {};
}

}  // namespace

std::string send_help() {
  return help_text(
      "Usage: fairlead send [OPTIONS] ADDRESS [MESSAGE...]\n"
      "Sends a message, prints the reply and ends. The message is what the arguments say, with "
      "one\nspace between them; without any, or with -, it is all of stdin (with --boundary "
      "line, each of its\nlines); at a terminal it is asked for. A text reply is complete at "
      "--until, a newline, the end of\nthe connection, or 200 ms of silence after its first "
      "byte.\n\n",
      send_options(),
      "\nExamples:\n"
      "  fairlead send localhost:7878 hello\n"
      "  fairlead send -e gbk 192.0.2.7:7788 你好\n"
      "  printf 'one\\ntwo\\n' | fairlead send --boundary line localhost:7878\n"
      "\nExit status: 0 ok, 1 reply not as expected, 2 usage, 6 name not resolved, 7 cannot "
      "connect,\n23 cannot write, 28 timeout, 52 empty reply, 55 send failed, 56 receive failed "
      "or reset,\n63 too big, 130 Ctrl-C.\n");
}

int run_send(const Words& arguments, const TerminalLocale& locale) {
  const ReadOptions options = read_options("send", send_options(), arguments);
  const SendSettings settings = send_settings(options, locale);
  const std::string where = settings.client.server.text();
  if (const CommandResult unfit = check(settings); unfit.exit_code != kExitOk)
    return report(where, unfit);
  Output out(1);
  return report(where, SendRun(settings, out, locale.encoding).run());
}

}  // namespace fairlead
