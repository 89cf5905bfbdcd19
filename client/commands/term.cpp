// fairlead term: a conversation, both ways at once.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "client/cli/exit_code.hpp"
#include "client/cli/line_editor.hpp"
#include "client/cli/options.hpp"
#include "client/cli/reply_printer.hpp"
#include "client/cli/shown_text.hpp"
#include "client/cli/state_file.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/commands/prompt.hpp"
#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

// What a server says without ending the line is shown after so long.
constexpr Duration kQuiet{50};

// The channel that --service is opened on.
constexpr std::uint16_t kServiceChannel = 1;

// What may wait to be sent before more is read from a pipe.
constexpr std::size_t kQueuedBytesMax = 1 << 20;

struct TermSettings {
  ClientSettings client;
  TextChoice text;
  std::string service;
  std::string prompt = "> ";
  std::vector<Show> show;
  Duration wait{5000};
  bool shutdown = true;
};

// Where the conversation is shown.
class Screen {
 public:
  virtual ~Screen() = default;
  virtual Output& data() = 0;                        // what the server says
  virtual void notice(const std::string& line) = 0;  // what became of the connection, or of input
  virtual void on_open(const Destination& to) = 0;   // from now on input can be sent
  virtual void on_drained() {}                       // what was queued has left
  virtual void on_over() = 0;                        // the conversation has ended
};

// The conversation itself: what is common to a terminal and to a pipe.
class Conversation final : public ClientObserver {
 public:
  Conversation(const TermSettings& settings, const TerminalLocale& locale, CommandLoop& loop,
               Screen& screen)
      : settings_(settings),
        locale_(locale),
        loop_(loop),
        screen_(screen),
        printer_(screen.data(), settings.show, locale.encoding, settings.text.read),
        client_(loop.shard(), loop.network(), settings.client, *this) {}

  // Each of these is called within a turn.
  void open() { client_.open(); }
  void say(const std::string& typed);
  void end_of_input();
  void end(Outcome outcome);

  bool is_over() const noexcept { return over_; }
  bool is_open() const noexcept { return open_; }
  const Outcome& outcome() const noexcept { return outcome_; }
  std::size_t queued_bytes() { return open_ ? client_.connection()->queued_bytes() : 0; }

 private:
  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_drained() override { screen_.on_drained(); }
  void on_deadline() override { end({}); }
  void on_retry(const Failure& failure, Duration wait) override;
  void on_ended(const Failure& failure) override;

  void on_framed(const Frame& frame);
  void show(const Frame& frame);
  void show_fragment();
  void opened();
  void wait_for_the_rest() {
    client_.set_deadline(deadline_after(loop_.shard().now(), settings_.wait));
  }

  const TermSettings& settings_;
  const TerminalLocale& locale_;
  CommandLoop& loop_;
  Screen& screen_;
  ReplyPrinter printer_;
  Client client_;
  Destination destination_;
  std::uint16_t channel_ = 0;
  bool open_ = false;  // input can be sent
  bool input_ended_ = false;
  bool over_ = false;
  std::optional<Outcome> asked_;  // we end it, and this is why
  Outcome outcome_;
};

void Conversation::on_ready(const Destination& destination) {
  destination_ = destination;
  if (settings_.service.empty()) return opened();
  channel_ = kServiceChannel;
  client_.connection()->open(settings_.service, kServiceChannel);
}

void Conversation::opened() {
  open_ = true;
  screen_.on_open(destination_);
}

void Conversation::say(const std::string& typed) {
  if (!open_) return screen_.notice("not connected; not sent: " + shown(typed));
  std::string message;
  try {
    message = message_bytes(typed, locale_.encoding, settings_.text);
  } catch (const UsageError& error) {
    return screen_.notice(std::string(error.what()) + "; not sent");
  }
  Connection& connection = *client_.connection();
  if (connection.hello() && message.size() > connection.hello()->message_bytes_max)
    return screen_.notice("longer than the server takes; not sent");
  const bool has_no_bytes = settings_.client.connection.protocol == Protocol::text &&
                            settings_.client.connection.line_end == LineEnd::none;
  if (message.empty() && has_no_bytes) return;
  connection.send(message, channel_);
}

// What is still to come is waited for, but not for ever.
void Conversation::end_of_input() {
  if (std::exchange(input_ended_, true)) return;
  if (!open_) return end({});
  if (settings_.shutdown) client_.connection()->finish_sending();
  wait_for_the_rest();
}

void Conversation::end(Outcome outcome) {
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
      return opened();
    case FrameType::error: {
      if (frame.request_id == 0) return;  // the end of the connection, which on_ended tells
      const ToldReason told = read_reason(frame.payload);
      Outcome outcome = outcome_of(told.reason, told.sentence);
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
  outcome_ = asked_ ? *asked_ : outcome_of(failure);
  open_ = false;
  over_ = true;
  if (!asked_ && failure.kind == FailureKind::none && !input_ended_)
    screen_.notice("the server ended the connection");
  screen_.on_over();
}

// ---- A terminal ----

// What the server says goes above the line that is being typed.
class TerminalScreen final : public Screen {
 public:
  TerminalScreen(const TermSettings& settings, const TerminalLocale& locale)
      : settings_(settings),
        locale_(locale),
        loop_([this] { interrupt(); }),
        keyboard_(loop_.loop()),
        terminal_signals_(loop_.loop(), {SIGWINCH, SIGCONT},
                          [this](int number) {
                            number == SIGCONT ? editor_.on_continue() : editor_.on_resize();
                          }),
        editor_({.out = stdout, .history_file = state_file("history")},
                [this] { return keyboard_.wait(); }),
        data_([this](std::string_view lines) { editor_.print_above(lines); }),
        talk_(settings, locale, loop_, *this) {}

  Outcome run();

 private:
  // Screen.
  Output& data() override { return data_; }
  void notice(const std::string& line) override {
    editor_.print_above("-- " + in_encoding(line, locale_.encoding) + "\n");
  }
  void on_open(const Destination& to) override { notice("connected to " + to.text()); }
  void on_over() override { keyboard_.stop(); }

  void interrupt() { talk_.end({kExitInterrupted, ""}); }

  const TermSettings& settings_;
  const TerminalLocale& locale_;
  CommandLoop loop_;
  Keyboard keyboard_;
  Signals terminal_signals_;
  LineEditor editor_;
  Output data_;
  Conversation talk_;
};

Outcome TerminalScreen::run() {
  loop_.loop().post([this] { talk_.open(); });
  while (!talk_.is_open() && !talk_.is_over()) loop_.loop().run_one();
  while (!talk_.is_over()) {
    auto line = editor_.read_line(settings_.prompt, LineEditor::History::keep);
    if (talk_.is_over()) break;
    if (line) {
      loop_.loop().post([this, typed = *std::move(line)] { talk_.say(typed); });
      continue;
    }
    editor_.print_above("\n");
    loop_.loop().post([this] { talk_.end_of_input(); });
    while (!talk_.is_over()) loop_.loop().run_one();
  }
  return talk_.outcome();
}

// ---- A pipe, or a screen reader ----

// Lines in, lines out, and nothing that moves a cursor.
class PlainScreen final : public Screen {
 public:
  PlainScreen(const TermSettings& settings, const TerminalLocale& locale)
      : locale_(locale),
        loop_([this] {
          talk_.end({kExitInterrupted, ""});
        }),
        stdin_(loop_.loop(), 0),
        data_(1),
        talk_(settings, locale, loop_, *this) {}

  Outcome run() {
    loop_.run([this] { talk_.open(); });
    return talk_.outcome();
  }

 private:
  // Screen.
  Output& data() override { return data_; }
  void notice(const std::string& line) override {
    std::fprintf(stderr, "-- %s\n", in_encoding(line, locale_.encoding).c_str());
  }
  void on_open(const Destination& to) override {
    if (::isatty(0) == 1) notice("connected to " + to.text());
    read_more();
  }
  void on_drained() override {
    if (!reading_ && !ended_) read_more();
  }
  void on_over() override {
    stdin_.cancel();
    loop_.end();
  }

  void read_more();
  void on_readable();
  void say_lines();

  const TerminalLocale& locale_;
  CommandLoop loop_;
  Readable stdin_;
  Output data_;
  Conversation talk_;
  std::string typed_;  // read, and not yet a whole line
  bool reading_ = false;
  bool ended_ = false;
};

void PlainScreen::read_more() {
  if (ended_ || reading_) return;
  reading_ = true;
  stdin_.wait([this] {
    reading_ = false;
    on_readable();
  });
}

void PlainScreen::on_readable() {
  std::array<char, 65536> part;
  const ssize_t size = ::read(0, part.data(), part.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return read_more();
  if (size > 0) {
    typed_.append(part.data(), static_cast<std::size_t>(size));
    say_lines();
    if (talk_.queued_bytes() <= kQueuedBytesMax) read_more();  // else on_drained does
    return;
  }
  ended_ = true;
  if (!typed_.empty()) talk_.say(typed_);
  talk_.end_of_input();
}

void PlainScreen::say_lines() {
  std::size_t at = 0;
  for (std::size_t newline; (newline = typed_.find('\n', at)) != std::string::npos;) {
    std::string line = typed_.substr(at, newline - at);
    if (line.ends_with('\r')) line.pop_back();
    at = newline + 1;
    talk_.say(line);
  }
  typed_.erase(0, at);
  if (typed_.size() <= kMessageBytesCeiling) return;
  talk_.end({kExitTooBig, "a line of the input has more than 16 MiB"});
}

// ---- The command line ----

po::options_description term_options() {
  po::options_description options("Options", kHelpColumns);
  add_text_options(options);
  options.add_options()(
      "plain",
      "lines in, lines out, no line editing: for pipes (where it is the default) and "
      "screen readers")("show", po::value<std::string>()->value_name("FORMS"),
                        "how to print what comes: text (default), raw, hex, json, or "
                        "several: text,hex")(
      "wait,w", po::value<std::string>()->value_name("TIME"),
      "after the end of input: leave when nothing has come for so long (default 5s)")(
      "no-shutdown", "do not tell the server of the end of input");
  add_connection_options(options);
  return options;
}

bool is_interactive(const ReadOptions& options) {
  const char* const terminal = std::getenv("TERM");
  const bool dumb =
      terminal == nullptr || *terminal == '\0' || std::string_view(terminal) == "dumb";
  return !options.has("plain") && !dumb && ::isatty(0) == 1 && ::isatty(1) == 1;
}

std::string read_plain_line(const std::string& prompt) {
  if (::isatty(0) == 1) std::fputs(prompt.c_str(), stderr);
  std::string line;
  char c;
  while (::read(0, &c, 1) == 1 && c != '\n') line += c;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// Asks as the tutorials' clients do. Nothing is this machine, and the port of fairleadd.
std::string ask_for_address(const PromptTexts& prompts, bool interactive) {
  const auto asked = [interactive](const std::string& prompt) {
    std::string answer = interactive ? ask(prompt) : read_plain_line(prompt);
    answer.erase(0, answer.find_first_not_of(" \t"));
    answer.erase(answer.find_last_not_of(" \t") + 1);
    return answer;
  };
  std::string ip = asked(prompts.ip);
  const std::string port = asked(prompts.port);
  if (ip.find(':') != std::string::npos && !ip.starts_with('[')) ip = "[" + ip + "]";
  return ip + ":" + (port.empty() ? std::to_string(kDefaultPort) : port);
}

TermSettings term_settings(const ReadOptions& options, const std::string& address, bool asked) {
  TermSettings settings;
  settings.client = client_settings(options, address);
  ConnectionSettings& connection = settings.client.connection;
  settings.text = text_choice(options);
  if (connection.protocol == Protocol::framed && settings.text.send != Encoding::utf8)
    throw UsageError("-e: framed messages are UTF-8; leave it out, or use hex");
  connection.encoding = settings.text.read;
  connection.reply.quiet = kQuiet;
  // A typed line is sent as one, but as the tutorials' clients do where they are asked like them.
  const bool lines = connection.reply.boundary == ReplyBoundary::line ||
                     (connection.reply.boundary == ReplyBoundary::automatic && !asked);
  if (lines && !settings.text.hex) connection.line_end = LineEnd::lf;
  if (settings.client.reconnect.when != ReconnectSettings::When::never)
    settings.client.reconnect.when = ReconnectSettings::When::always;
  settings.service = options.text("service");
  settings.show = parse_show(options.has("show") ? options.text("show")
                             : settings.text.hex ? "hex"
                                                 : "text");
  settings.wait = duration_option(options, "wait", settings.wait);
  settings.shutdown = !options.has("no-shutdown");
  return settings;
}

}  // namespace

std::string term_help() {
  std::ostringstream out;
  out << "Usage: fairlead term [OPTIONS] [ADDRESS]\n"
         "Sends each line that is typed, and shows what the server says as it comes. Ctrl-D ends "
         "the input,\nCtrl-C everything. Without an address it asks for one, as the clients of "
         "Python's socket tutorials\ndo, and then sends what is typed without an end of line, as "
         "they do too.\n\n"
      << term_options()
      << "\nExit status: 0 the conversation ended in order, 1 not what the protocol has, 2 usage, "
         "6 name\nnot resolved, 7 cannot connect, 23 cannot write, 28 timeout, 55 send failed, 56 "
         "receive failed or\nreset, 63 too big, 130 Ctrl-C.\n";
  return out.str();
}

int run_term(const Words& arguments, const TerminalLocale& locale) {
  const ReadOptions options = read_options("term", term_options(), arguments);
  if (options.positional.size() > 1)
    throw UsageError("term: one address at most; what to send is typed, or use `fairlead send`");
  const bool interactive = is_interactive(options);
  const PromptTexts prompts = prompt_texts(locale);
  const bool asked = options.positional.empty();
  const std::string address =
      asked ? ask_for_address(prompts, interactive) : options.positional.front();
  TermSettings settings = term_settings(options, address, asked);
  if (asked) settings.prompt = prompts.text;
  const std::string where = settings.client.server.text();
  if (interactive) {
    TerminalScreen screen(settings, locale);
    return report(where, screen.run());
  }
  PlainScreen screen(settings, locale);
  return report(where, screen.run());
}

}  // namespace fairlead
