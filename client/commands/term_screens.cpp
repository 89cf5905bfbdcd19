#include "client/commands/term_screens.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

#include "client/cli/environment.hpp"
#include "client/cli/line_editor.hpp"
#include "client/cli/output.hpp"
#include "client/commands/prompt.hpp"

namespace fairlead {
namespace {

// Queued bytes above which a pipe is not read.
constexpr std::size_t kQueuedBytesMax = 1 << 20;

// ---- A terminal ----

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
        conversation_(settings, locale, loop_, *this) {}

  CommandResult run();

 private:
  // Screen.
  Output& data() override { return data_; }
  void notice(const std::string& line) override {
    editor_.print_above("-- " + in_encoding(line, locale_.encoding) + "\n");
  }
  void on_open(const Destination& to) override { notice("connected to " + to.text()); }
  void on_over() override { keyboard_.stop(); }

  void interrupt() { conversation_.end({kExitInterrupted, ""}); }

  const TermSettings& settings_;
  const TerminalLocale& locale_;
  CommandLoop loop_;
  Keyboard keyboard_;
  Signals terminal_signals_;
  LineEditor editor_;
  Output data_;
  Conversation conversation_;
};

CommandResult TerminalScreen::run() {
  loop_.loop().post([this] { conversation_.open(); });
  while (!conversation_.is_open() && !conversation_.is_over()) loop_.loop().run_one();
  while (!conversation_.is_over()) {
    auto line = editor_.read_line(settings_.prompt, LineEditor::History::keep);
    if (conversation_.is_over()) break;
    if (line) {
      loop_.loop().post([this, typed = *std::move(line)] { conversation_.send_typed(typed); });
      continue;
    }
    editor_.print_above("\n");
    loop_.loop().post([this] { conversation_.on_end_of_input(); });
    while (!conversation_.is_over()) loop_.loop().run_one();
  }
  return conversation_.outcome();
}

// ---- A pipe, or a screen reader ----

class PlainScreen final : public Screen {
 public:
  PlainScreen(const TermSettings& settings, const TerminalLocale& locale)
      : locale_(locale),
        loop_([this] {
          conversation_.end({kExitInterrupted, ""});
        }),
        stdin_(loop_.loop(), 0),
        data_(1),
        conversation_(settings, locale, loop_, *this) {}

  CommandResult run() {
    loop_.run([this] { conversation_.open(); });
    return conversation_.outcome();
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
  void send_lines();

  const TerminalLocale& locale_;
  CommandLoop loop_;
  Readable stdin_;
  Output data_;
  Conversation conversation_;
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
    send_lines();
    if (conversation_.queued_bytes() <= kQueuedBytesMax) read_more();  // else on_drained does
    return;
  }
  ended_ = true;
  if (!typed_.empty()) conversation_.send_typed(typed_);
  conversation_.on_end_of_input();
}

void PlainScreen::send_lines() {
  std::size_t at = 0;
  for (std::size_t newline; (newline = typed_.find('\n', at)) != std::string::npos;) {
    std::string line = typed_.substr(at, newline - at);
    if (line.ends_with('\r')) line.pop_back();
    at = newline + 1;
    conversation_.send_typed(line);
  }
  typed_.erase(0, at);
  if (typed_.size() <= kMessageBytesCeiling) return;
  conversation_.end({kExitTooBig, "a line of the input has more than 16 MiB"});
}

}  // namespace

CommandResult talk_at_terminal(const TermSettings& settings, const TerminalLocale& locale) {
  return TerminalScreen(settings, locale).run();
}

CommandResult talk_in_lines(const TermSettings& settings, const TerminalLocale& locale) {
  return PlainScreen(settings, locale).run();
}

}  // namespace fairlead
