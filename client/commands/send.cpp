// fairlead send: messages out, replies in, and a number that says how it went.
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <optional>
#include <sstream>
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/reply_printer.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/commands/prompt.hpp"
#include "common/config/units.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

// With --no-reply: how long a server may take to end its side after ours.
constexpr Duration kLeaveWithin{1000};

// The channel that --service is opened on.
constexpr std::uint16_t kServiceChannel = 1;

struct SendSettings {
  ClientSettings client;
  EncodingSettings encoding;
  std::vector<std::string> messages;  // ready to be sent, at least one
  std::string service;
  std::vector<Show> show;
  std::uint64_t replies = 1;  // for each message
  Duration wait{5000};
  bool expects_reply = true;
  bool greeting = false;
  bool shutdown = true;
};

// One run of the command, from dialling to its outcome.
class SendRun final : public ClientObserver {
 public:
  SendRun(const SendSettings& settings, Output& out, Encoding terminal)
      : settings_(settings),
        out_(out),
        printer_(out, settings.show, terminal, settings.encoding),
        loop_([this] {
          finish({kExitInterrupted, ""});
        }),
        client_(loop_.shard(), loop_.network(), settings.client, *this) {}

  Outcome run() {
    loop_.run([this] { client_.open(); });
    if (!out_.error().empty()) return {kExitCannotWrite, "cannot write the reply: " + out_.error()};
    return outcome_;
  }

 private:
  enum class Phase { connecting, opening, greeting, replying, leaving };

  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override;
  void on_ended(const Failure& failure) override;

  void begin();
  void send_next();
  void leave();
  void on_framed(const Frame& frame);
  void on_reply(const Frame& reply);
  void on_error_frame(const Frame& frame);
  void one_more_reply();
  void on_leaving_deadline();
  void not_taken();
  void end_without_reply(const Failure& failure);
  bool in_pieces() const;
  bool is_as_asked(const Frame& reply, bool whole);
  void wait_for_reply() {
    client_.set_deadline(deadline_after(loop_.shard().now(), settings_.wait));
  }
  void finish(Outcome outcome);

  const SendSettings& settings_;
  Output& out_;
  ReplyPrinter printer_;
  CommandLoop loop_;
  Client client_;
  Phase phase_ = Phase::connecting;
  std::size_t sent_ = 0;
  std::uint64_t replies_left_ = 0;  // to the message sent last
  std::uint32_t request_id_ = 0;    // framed
  std::uint16_t channel_ = 0;
  TimePoint left_since_ = kNever;
  bool something_came_ = false;
  std::optional<Outcome> problem_;  // of a reply that was shown all the same
  std::optional<Outcome> decided_;
  Outcome outcome_;
};

// ---- Sending ----

void SendRun::on_ready(const Destination&) {
  if (settings_.service.empty()) return begin();
  phase_ = Phase::opening;
  channel_ = kServiceChannel;
  client_.connection()->open(settings_.service, kServiceChannel);
  wait_for_reply();
}

void SendRun::begin() {
  if (!settings_.greeting) return send_next();
  phase_ = Phase::greeting;
  wait_for_reply();
}

void SendRun::send_next() {
  Connection& connection = *client_.connection();
  const std::string& message = settings_.messages[sent_++];
  if (connection.hello() && message.size() > connection.hello()->message_bytes_max) {
    return finish({kExitTooBig, "the message has " + std::to_string(message.size()) +
                                    " bytes and the server takes at most " +
                                    std::to_string(connection.hello()->message_bytes_max)});
  }
  phase_ = Phase::replying;
  replies_left_ = settings_.replies;
  request_id_ = connection.send(message, channel_);
  const bool last = sent_ == settings_.messages.size();
  if (!settings_.expects_reply) return last ? leave() : send_next();
  const bool framed = settings_.client.connection.protocol == Protocol::framed;
  // Tells plain servers where the last message ends; framed ones know.
  if (last && settings_.shutdown && !framed) connection.finish_sending();
  wait_for_reply();
}

// Closing with something unread would reset the connection, and could take the message with it.
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
  if (frame.channel != channel_) return;
  switch (frame.type) {
    case FrameType::opened:
      return begin();
    case FrameType::error:
      if (frame.request_id != 0) on_error_frame(frame);
      return;
    case FrameType::message:
      // Said without being asked: shown where it is asked for.
      if (phase_ == Phase::greeting || settings_.replies > 1) on_reply(frame);
      return;
    case FrameType::reply:
      if (frame.request_id == request_id_) on_reply(frame);
      return;
    default:
      return;
  }
}

void SendRun::on_error_frame(const Frame& frame) {
  const ToldReason told = read_reason(frame.payload);
  finish(outcome_of(
      {.kind = FailureKind::turned_away, .told = told.reason, .what = std::string(told.sentence)}));
}

void SendRun::on_reply(const Frame& reply) {
  if (in_pieces()) {
    printer_.print_piece(reply);
    wait_for_reply();
  } else {
    const bool whole = printer_.print(reply);
    if (!is_as_asked(reply, whole)) return finish(*problem_);
  }
  if (!out_.error().empty()) return finish({});  // run() says why
  if (!in_pieces()) one_more_reply();
}

// Replies without an end: each delivery is shown as it comes, until the server ends the connection.
bool SendRun::in_pieces() const {
  const ConnectionSettings& connection = settings_.client.connection;
  return connection.protocol == Protocol::text && connection.reply.until.empty() &&
         connection.reply.boundary == ReplyBoundary::none;
}

bool SendRun::is_as_asked(const Frame& reply, bool whole) {
  if (!whole) {
    problem_ = Outcome{kExitUnexpectedReply,
                       "the reply ends within a character; the server cut it short, or -e should "
                       "name its encoding"};
  } else if (const std::string& until = settings_.client.connection.reply.until;
             !until.empty() && !reply.payload.ends_with(until)) {
    problem_ = Outcome{kExitUnexpectedReply,
                       "the reply ended before the text of --until came; check that text"};
  }
  return !problem_;
}

void SendRun::one_more_reply() {
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
  if (client_.connection()->queued_bytes() > 0) return not_taken();
  const std::string waited = format_duration(settings_.wait);
  finish({kExitTimeout, (something_came_ || !fragment.empty() ? "the reply was not complete within "
                                                              : "no reply within ") +
                            waited + "; give it longer with --wait, or use --no-reply"});
}

// A server that has taken everything may stay as long as it likes, without us.
void SendRun::on_leaving_deadline() {
  if (client_.connection()->queued_bytes() == 0) return finish({});
  const TimePoint now = loop_.shard().now();
  if (now >= deadline_after(left_since_, settings_.wait)) return not_taken();
  client_.set_deadline(now + kLeaveWithin);
}

void SendRun::not_taken() {
  finish({kExitTimeout, "the server did not take the message within " +
                            format_duration(settings_.wait) + "; give it longer with --wait"});
}

void SendRun::on_ended(const Failure& failure) {
  if (!decided_) end_without_reply(failure);
  outcome_ = *decided_;
  loop_.end();
}

// The connection is gone before everything had come.
void SendRun::end_without_reply(const Failure& failure) {
  if (phase_ == Phase::leaving) {
    const bool lost = failure.kind != FailureKind::none && failure.kind != FailureKind::turned_away;
    decided_ = lost ? Outcome{kExitSendFailed,
                              "the connection broke before the server had taken the message; send "
                              "it again"}
                    : Outcome{};
    return;
  }
  if (const std::string fragment = client_.take_fragment(); !fragment.empty()) {
    something_came_ = true;
    printer_.print({.payload = fragment});
  }
  if (failure.kind != FailureKind::none) {
    decided_ = outcome_of(failure);
  } else if (!something_came_) {
    decided_ = Outcome{kExitEmptyReply,
                       "the server ended the connection without a reply; it may answer nothing "
                       "(--no-reply) or want another message"};
  } else if (in_pieces()) {
    const bool whole = printer_.end_pieces();
    decided_ = is_as_asked({}, whole) ? Outcome{} : *problem_;
  } else {
    decided_ = Outcome{kExitEmptyReply,
                       "the server ended the connection before all replies had come; -n says how "
                       "many there are"};
  }
}

void SendRun::finish(Outcome outcome) {
  if (!decided_) decided_ = std::move(outcome);
  client_.close();
}

// ---- The command line ----

po::options_description send_options() {
  po::options_description options("Options", kHelpColumns);
  add_text_options(options);
  options.add_options()("no-reply", "wait for no reply")(
      "greeting", "the server speaks first: print that, then send")(
      "count,n", po::value<std::string>()->value_name("COUNT"),
      "how many replies to wait for, to each message (default 1)")(
      "wait,w", po::value<std::string>()->value_name("TIME"),
      "how long to wait for a reply (default 5s; 0: for ever)")(
      "until", po::value<std::string>()->value_name("TEXT"),
      "text: a reply ends with TEXT and nowhere else")(
      "show", po::value<std::string>()->value_name("FORMS"),
      "how to print replies: text (default), raw, hex, json, or several: text,hex")(
      "no-shutdown", "do not tell the server that nothing more will be sent");
  add_connection_options(options);
  return options;
}

// All of stdin, which is bounded because it becomes one message, or lines of it.
std::string read_stdin() {
  std::string all;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t size = ::read(0, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return all;
    all.append(part.data(), static_cast<std::size_t>(size));
    if (all.size() > kMessageBytesCeiling) return all;
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
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
  const std::string all = read_stdin();
  return by_line ? lines_of(all) : Words{all};
}

SendSettings send_settings(const ReadOptions& options, const TerminalLocale& locale) {
  if (options.positional.empty())
    throw UsageError("send: no address; `fairlead help send` shows how it is used");
  SendSettings settings;
  settings.client = client_settings(options, options.positional.front());
  ConnectionSettings& connection = settings.client.connection;
  const TextChoice choice = text_choice(options);
  if (connection.protocol == Protocol::framed && choice.send != Encoding::utf8)
    throw UsageError("-e: framed messages are UTF-8; leave it out, or use hex");
  connection.encoding = settings.encoding = choice.read;
  connection.reply.until = message_bytes(options.text("until"), locale.encoding, choice);
  settings.service = options.text("service");
  settings.show = parse_show(options.has("show") ? options.text("show")
                             : choice.hex        ? "hex"
                                                 : "text");
  settings.replies = count_option(options, "count", 1);
  settings.wait = duration_option(options, "wait", settings.wait);
  settings.expects_reply = !options.has("no-reply");
  settings.greeting = options.has("greeting");
  settings.shutdown = !options.has("no-shutdown");
  if (settings.replies == 0) throw UsageError("-n 0: use --no-reply to wait for nothing");

  const bool by_line = connection.reply.boundary == ReplyBoundary::line;
  const bool text = connection.protocol == Protocol::text;
  if (by_line && text) connection.line_end = LineEnd::lf;
  const Words words(options.positional.begin() + 1, options.positional.end());
  for (const std::string& typed : typed_messages(words, by_line, locale))
    settings.messages.push_back(message_bytes(typed, locale.encoding, choice));
  return settings;
}

// What is not fit to be sent, before anything is connected to.
Outcome check(const SendSettings& settings) {
  for (const std::string& message : settings.messages) {
    if (message.size() > kMessageBytesCeiling)
      return {kExitTooBig, "a message has at most 16 MiB - 1 bytes; send it in parts"};
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
  std::ostringstream out;
  out << "Usage: fairlead send [OPTIONS] ADDRESS [MESSAGE...]\n"
         "Sends a message, prints the reply and ends. The message is what the arguments say, with "
         "one\nspace between them; without any, or with -, it is all of stdin (with --boundary "
         "line, each of its\nlines); at a terminal it is asked for. A text reply is complete at "
         "--until, a newline, the end of\nthe connection, or 200 ms of silence after its first "
         "byte.\n\n"
      << send_options()
      << "\nExamples:\n"
         "  fairlead send localhost:7878 hello\n"
         "  fairlead send -e gbk 192.0.2.7:7788 你好\n"
         "  printf 'one\\ntwo\\n' | fairlead send --boundary line localhost:7878\n"
         "\nExit status: 0 ok, 1 reply not as expected, 2 usage, 6 name not resolved, 7 cannot "
         "connect,\n23 cannot write, 28 timeout, 52 empty reply, 55 send failed, 56 receive failed "
         "or reset,\n63 too big, 130 Ctrl-C.\n";
  return out.str();
}

int run_send(const Words& arguments, const TerminalLocale& locale) {
  const ReadOptions options = read_options("send", send_options(), arguments);
  const SendSettings settings = send_settings(options, locale);
  const std::string where = settings.client.server.text();
  if (const Outcome unfit = check(settings); unfit.exit_code != kExitOk)
    return report(where, unfit);
  Output out(1);
  SendRun run(settings, out, locale.encoding);
  return report(where, run.run());
}

}  // namespace fairlead
