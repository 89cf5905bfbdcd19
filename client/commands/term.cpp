// fairlead term: a conversation, both ways at once.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "client/cli/drawn_block.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/line_editor.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/commands/prompt.hpp"
#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

struct TermSettings : TalkSettings {
  std::string prompt = "> ";
  // What the server says goes above the line that is being typed. Otherwise lines in, lines out,
  // and nothing that moves a cursor: for pipes and screen readers.
  bool interactive = false;
};

// Queued bytes above which a pipe is not read.
constexpr std::size_t kQueuedBytesMax = 1 << 20;

// One run of the command, from dialling to its outcome. Input is read between turns, by run();
// everything else happens in turns.
class TermRun final : public ClientObserver {
 public:
  TermRun(const TermSettings& settings, const TerminalLocale& locale);

  CommandResult run();

 private:
  // ClientObserver.
  void on_ready(const Destination& destination) override;
  void on_frame(const Frame& frame) override;
  void on_deadline() override { end({}); }
  void on_retry(const Failure& failure, Duration wait) override;
  void on_ended(const Failure& failure) override;

  void in_turn(const std::function<void()>& work);
  void edit_lines(LineEditor& editor);
  void read_lines();
  void send_lines(std::string& typed);
  void send_typed(const std::string& typed);
  void on_end_of_input();
  void end(CommandResult outcome);
  void show(const Frame& frame);
  void show_fragment();
  // What became of the connection, or of input.
  void notice(const std::string& line);
  void wait_for_the_rest() {
    client_.set_deadline(deadline_after(loop_.shard().now(), settings_.wait));
  }
  bool is_open() { return client_.connection() != nullptr; }

  const TermSettings& settings_;
  const TerminalLocale& locale_;
  CommandLoop loop_;
  Keyboard keyboard_;
  std::optional<LineEditor> editor_;  // at a terminal
  std::optional<Signals> terminal_signals_;
  Output data_;
  ReplyPrinter printer_;
  Client client_;
  bool was_open_ = false;
  bool input_ended_ = false;
  bool over_ = false;
  std::optional<CommandResult> asked_;  // we end it, and this is why
  CommandResult outcome_;
};

TermRun::TermRun(const TermSettings& settings, const TerminalLocale& locale)
    : settings_(settings),
      locale_(locale),
      loop_([this] {
        end({kExitInterrupted, ""});
      }),
      keyboard_(loop_.loop()),
      data_(settings.interactive
                ? Output([this](std::string_view lines) { editor_->print_above(lines); })
                : Output(1)),
      printer_(data_, settings.formats, locale.encoding, settings.text.read),
      client_(loop_.shard(), loop_.network(), settings.client, *this) {
  if (!settings.interactive) return;
  const LineEditor::Settings editor{.out = stdout, .history_file = state_file("history")};
  editor_.emplace(editor, [this] { return keyboard_.wait(); });
  terminal_signals_.emplace(loop_.loop(), std::initializer_list<int>{SIGWINCH, SIGCONT},
                            [this](const SignalEvent& signal) {
                              signal.number == SIGCONT ? editor_->on_continue()
                                                       : editor_->on_resize();
                            });
}

CommandResult TermRun::run() {
  in_turn([this] { client_.open(); });
  while (!is_open() && !over_) loop_.loop().run_one();
  if (editor_) {
    edit_lines(*editor_);
  } else {
    read_lines();
  }
  if (!over_) in_turn([this] { on_end_of_input(); });
  while (!over_) loop_.loop().run_one();
  return outcome_;
}

void TermRun::in_turn(const std::function<void()>& work) {
  bool done = false;
  loop_.loop().post([&work, &done] {
    work();
    done = true;
  });
  while (!done) loop_.loop().run_one();
}

// ---- Input ----

void TermRun::edit_lines(LineEditor& editor) {
  while (!over_) {
    const auto line = editor.read_line(settings_.prompt, LineEditor::History::keep);
    if (over_) return;
    if (!line) return editor.print_above("\n");
    in_turn([this, &line] { send_typed(*line); });
  }
}

void TermRun::read_lines() {
  std::string typed;
  std::array<char, 65536> part;
  while (!over_ && keyboard_.wait()) {
    const ssize_t size = ::read(0, part.data(), part.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) break;
    typed.append(part.data(), static_cast<std::size_t>(size));
    in_turn([this, &typed] { send_lines(typed); });
    while (is_open() && client_.connection()->queued_bytes() > kQueuedBytesMax)
      loop_.loop().run_one();
  }
  if (!typed.empty() && !over_) in_turn([this, &typed] { send_typed(typed); });
}

// Leaves the beginning of a line that is not complete.
void TermRun::send_lines(std::string& typed) {
  std::size_t at = 0;
  for (std::size_t newline; (newline = typed.find('\n', at)) != std::string::npos;) {
    std::string line = typed.substr(at, newline - at);
    if (line.ends_with('\r')) line.pop_back();
    at = newline + 1;
    send_typed(line);
  }
  typed.erase(0, at);
  if (typed.size() > kMessageBytesCeiling)
    end({kExitTooBig, "a line of the input has more than 16 MiB"});
}

void TermRun::send_typed(const std::string& typed) {
  if (!is_open()) return notice("not connected; not sent: " + shown(typed));
  std::string message;
  try {
    message = message_bytes(typed, locale_.encoding, settings_.text);
  } catch (const UsageError& error) {
    return notice(std::string(error.what()) + "; not sent");
  }
  ServerConnection& connection = *client_.connection();
  if (connection.hello() && message.size() > connection.hello()->message_bytes_max)
    return notice("longer than the server takes; not sent");
  const bool has_no_bytes = settings_.client.connection.protocol == Protocol::text &&
                            settings_.client.connection.line_end == LineEnd::none;
  if (message.empty() && has_no_bytes) return;
  connection.send(message, settings_.client.connection.channel());
}

// Waits for the remaining replies for a limited time.
void TermRun::on_end_of_input() {
  input_ended_ = true;
  if (!is_open()) return end({});
  if (settings_.shutdown) client_.connection()->finish_sending();
  wait_for_the_rest();
}

void TermRun::end(CommandResult outcome) {
  if (!asked_) asked_ = std::move(outcome);
  client_.close();
}

// ---- The server ----

void TermRun::on_ready(const Destination& destination) {
  was_open_ = true;
  if (editor_ || ::isatty(0) == 1) notice("connected to " + destination.text());
}

void TermRun::on_frame(const Frame& frame) {
  if (input_ended_) wait_for_the_rest();
  switch (frame.type) {
    case FrameType::error:
      // Request id 0 is the end of the connection, which on_ended tells.
      if (frame.request_id != 0)
        notice(escaped(result_of(read_reason(FailureKind::request_refused, frame.payload)).line));
      return;
    case FrameType::message:
    case FrameType::reply:
      return show(frame);
    default:
      return;
  }
}

void TermRun::show(const Frame& frame) {
  const bool in_pieces = settings_.client.connection.protocol == Protocol::text &&
                         settings_.client.connection.reply.boundary == ReplyBoundary::none &&
                         !data_.is_terminal();
  if (in_pieces) {
    printer_.print_piece(frame);
  } else {
    printer_.print(frame);
  }
  if (!data_.error().empty()) end({kExitCannotWrite, "cannot write what came: " + data_.error()});
}

void TermRun::show_fragment() {
  if (const std::string fragment = client_.take_fragment(); !fragment.empty())
    show({.payload = fragment});
  printer_.end_pieces();
}

void TermRun::on_retry(const Failure& failure, Duration wait) {
  show_fragment();
  notice(retry_notice(failure, std::exchange(was_open_, false), wait));
}

void TermRun::on_ended(const Failure& failure) {
  show_fragment();
  outcome_ = asked_ ? *asked_ : result_of(failure);
  if (!asked_ && failure.kind == FailureKind::none && !input_ended_)
    notice("the server ended the connection");
  over_ = true;
  keyboard_.stop();
}

void TermRun::notice(const std::string& line) {
  const std::string shown = "-- " + in_encoding(line, locale_.encoding) + "\n";
  if (editor_) return editor_->print_above(shown);
  std::fputs(shown.c_str(), stderr);
}

// ---- The command line ----

// After this pause, an incomplete line of the server is shown.
constexpr Duration kQuiet{50};

po::options_description term_options() {
  po::options_description options("Options", kHelpColumns);
  add_text_options(options);
  add_options(options,
              {{"plain", "",
                "lines in, lines out, no line editing: for pipes (where it is the default) and "
                "screen readers"},
               {"show", "FORMS",
                "how to print what comes: text (default), raw, hex, json, or several: text,hex"},
               {"wait,w", "TIME",
                "after the end of input: leave when nothing has come for so long (default 5s)"},
               {"no-shutdown", "", "do not tell the server of the end of input"}});
  add_connection_options(options);
  return options;
}

bool is_interactive(const ReadOptions& options) {
  return !options.has("plain") && ::isatty(0) == 1 && can_be_drawn_over(Output(1));
}

std::string read_plain_line(const std::string& prompt) {
  if (::isatty(0) == 1) std::fputs(prompt.c_str(), stderr);
  std::string line;
  char c;
  while (::read(0, &c, 1) == 1 && c != '\n') line += c;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// Asks like the tutorials' clients. Defaults: this machine, and the port of fairleadd.
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
  TermSettings settings{talk_settings(options, address)};
  ConnectionSettings& connection = settings.client.connection;
  connection.reply.quiet = kQuiet;
  // A typed line is sent with its end, unless the user was asked for the address: the tutorials'
  // clients send none.
  const bool lines = connection.reply.boundary == ReplyBoundary::line ||
                     (connection.reply.boundary == ReplyBoundary::automatic && !asked);
  if (lines && !settings.text.hex) connection.line_end = LineEnd::lf;
  if (settings.client.reconnect.when != ReconnectSettings::When::never)
    settings.client.reconnect.when = ReconnectSettings::When::always;
  connection.service = options.text("service");
  return settings;
}

}  // namespace

std::string term_help() {
  return help_text(
      "Usage: fairlead term [OPTIONS] [ADDRESS]\n"
      "Sends each line that is typed, and shows what the server says as it comes. Ctrl-D ends "
      "the input,\nCtrl-C everything. Without an address it asks for one, as the clients of "
      "Python's socket tutorials\ndo, and then sends what is typed without an end of line, as "
      "they do too.\n\n",
      term_options(),
      "\nExit status: 0 the conversation ended in order, 1 not what the protocol has, 2 usage, "
      "6 name\nnot resolved, 7 cannot connect, 23 cannot write, 28 timeout, 55 send failed, 56 "
      "receive failed or\nreset, 63 too big, 130 Ctrl-C.\n");
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
  settings.interactive = interactive;
  return report(settings.client.server.text(), TermRun(settings, locale).run());
}

}  // namespace fairlead
