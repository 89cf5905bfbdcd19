// fairlead term: a conversation, both ways at once.
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "client/cli/drawn_block.hpp"
#include "client/commands/command.hpp"
#include "client/commands/prompt.hpp"
#include "client/commands/term_run.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

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
  settings.interactive = interactive;
  return report(settings.client.server.text(), talk(settings, locale));
}

}  // namespace fairlead
