// fairlead send: messages out, replies in, and a number that says how it went.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <utility>

#include "client/commands/command.hpp"
#include "client/commands/prompt.hpp"
#include "client/commands/send_run.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

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

// All of stdin, up to the size of a message.
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
  if (const CommandResult unfit = check(settings); unfit.exit_code != kExitOk)
    return report(where, unfit);
  Output out(1);
  return report(where, send_messages(settings, out, locale.encoding));
}

}  // namespace fairlead
