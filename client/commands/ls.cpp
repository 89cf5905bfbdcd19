// fairlead ls: what files does a server have?
#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "client/cli/amounts.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "client/commands/command.hpp"
#include "client/commands/command_loop.hpp"
#include "client/fetch/file_names.hpp"
#include "client/fetch/lister.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

enum class Form { names, columns, json };

struct LsSettings {
  ListerSettings lister;
  std::vector<std::string> names;  // at least one
  Form form = Form::names;
};

std::string time_text(const FileEntry& entry) {
  const std::chrono::nanoseconds since_1970(entry.mtime_ns);
  return utc_text(std::chrono::floor<std::chrono::seconds>(since_1970).count());
}

std::string json_line(const FileEntry& entry) {
  std::string line = "{\"name\":";
  append_json_string(line, entry.name, entry.name.size());
  line += ",\"kind\":";
  line += entry.kind == FileKind::directory ? "\"directory\"" : "\"file\"";
  line += ",\"size\":" + std::to_string(entry.size);
  return line + ",\"mtime_ns\":" + std::to_string(entry.mtime_ns) + "}\n";
}

// The columns before a name: kind, size, mtime.
std::string columns_of(const FileEntry& entry) {
  const bool directory = entry.kind == FileKind::directory;
  std::string size = directory ? "-" : std::to_string(entry.size);
  constexpr std::size_t kSizeColumns = 13;  // a TiB is rarely more
  size.insert(0, kSizeColumns - std::min(size.size(), kSizeColumns), ' ');
  return (directory ? "d " : "- ") + size + "  " + time_text(entry) + "  ";
}

bool holds_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return octet(c) < 0x20 || octet(c) == 0x7f; });
}

// One run of the command, from dialling to its exit code.
class LsRun final : public ListerObserver {
 public:
  LsRun(const LsSettings& settings, Output& out, Encoding terminal)
      : settings_(settings),
        where_(settings.lister.client.server.text()),
        out_(out),
        terminal_(terminal),
        loop_([this] {
          failed(kExitInterrupted);
          lister_.close();
        }),
        lister_(loop_.shard(), loop_.network(), settings.lister, *this) {}

  int run() {
    loop_.run([this] { lister_.open(settings_.names); });
    return exit_code_;
  }

 private:
  // ListerObserver.
  void on_entries(std::size_t asked, std::span<const FileEntry> entries) override;
  void on_failed(std::size_t asked, std::string_view below, const Failure& failure) override;
  void on_ended(const Failure& failure) override;

  // The name in the form that `get` takes.
  std::string full_name(std::size_t asked, std::string_view below) const {
    return joined_name(settings_.names[asked], below);
  }
  void append_line(std::string& lines, FileEntry entry) const;
  void print(const std::string& lines);
  void failed(int exit_code) {
    if (exit_code_ == kExitOk) exit_code_ = exit_code;
  }

  const LsSettings& settings_;
  const std::string where_;
  Output& out_;
  const Encoding terminal_;
  CommandLoop loop_;
  Lister lister_;
  int exit_code_ = kExitOk;  // the first failure's
};

void LsRun::on_entries(std::size_t asked, std::span<const FileEntry> entries) {
  std::string lines;
  for (FileEntry entry : entries) {
    if (entry.kind == FileKind::directory && entry.name.empty()) continue;  // what is in it follows
    entry.name = full_name(asked, entry.name);
    append_line(lines, std::move(entry));
  }
  print(lines);
}

void LsRun::append_line(std::string& lines, FileEntry entry) const {
  if (settings_.form == Form::json) {
    lines += json_line(entry);
    return;
  }
  if (settings_.form == Form::columns) lines += columns_of(entry);
  if (entry.kind == FileKind::directory) entry.name += '/';
  const bool escape = out_.is_terminal() || holds_control_bytes(entry.name);
  lines += in_encoding(escape ? escaped(entry.name, entry.name.size()) : entry.name, terminal_);
  lines += '\n';
}

void LsRun::print(const std::string& lines) {
  out_.write(lines);
  if (out_.error().empty()) return;
  if (!out_.has_no_reader())
    failed(report(where_, {kExitCannotWrite, "cannot write the list: " + out_.error()}));
  lister_.close();
}

void LsRun::on_failed(std::size_t asked, std::string_view below, const Failure& failure) {
  CommandResult outcome = result_of(failure);
  if (failure.told == CloseReason::no_such_file)
    outcome.line = "no such file or directory; check how it is spelled";
  outcome.line = full_name(asked, below) + ": " + outcome.line;
  failed(report(where_, outcome));
}

void LsRun::on_ended(const Failure& failure) {
  failed(report(where_, result_of(failure)));
  loop_.end();
}

po::options_description ls_options() {
  po::options_description options("Options", kHelpColumns);
  add_options(
      options,
      {{"long,l", "", "kind (d: a directory), size in bytes, time of the last change"},
       {"recursive,r", "", "also everything below"},
       {"json", "", "an object a line: name, kind, size, mtime_ns"},
       {"service", "NAME", "the service that has the files (default file)"},
       {"timeout", "TIME", "give up when nothing has come for so long (default 30s; 0: never)"}});
  add_dial_options(options);
  add_reconnect_options(options);
  return options;
}

LsSettings ls_settings(const ReadOptions& options, const TerminalLocale& locale) {
  if (options.positional.empty())
    throw UsageError("ls: no address; `fairlead help ls` shows how it is used");
  LsSettings settings;
  settings.lister.client = client_settings(options, options.positional.front(), Protocol::framed);
  settings.lister.client.connection.service =
      options.has("service") ? options.text("service") : "file";
  settings.lister.recursive = options.has("recursive");
  settings.lister.timeout = duration_option(options, "timeout", settings.lister.timeout);
  if (options.has("long") && options.has("json"))
    throw UsageError("ls: -l and --json exclude each other");
  if (options.has("long")) settings.form = Form::columns;
  if (options.has("json")) settings.form = Form::json;
  for (std::size_t i = 1; i < options.positional.size(); ++i) {
    settings.names.push_back(
        remote_name(message_bytes(options.positional[i], locale.encoding, {})));
  }
  if (settings.names.empty()) settings.names.emplace_back();  // the root
  return settings;
}

}  // namespace

std::string ls_help() {
  return help_text(
      "Usage: fairlead ls [OPTIONS] ADDRESS [NAME...]\n"
      "Lists what a server's service of type `file` has: the root, or files and directories by "
      "name.\nEach name is printed in a line, as `fairlead get` takes it; directories end with "
      "a slash.\n\n",
      ls_options(),
      "\nExamples:\n"
      "  fairlead ls localhost:7878\n"
      "  fairlead ls -l localhost docs/2026\n"
      "  fairlead ls -r --json localhost | jq -r 'select(.size > 1e9).name'\n"
      "\nExit status: 0 ok, 1 reply not as expected, 2 usage, 6 name not resolved, 7 cannot "
      "connect,\n23 cannot write, 28 timeout, 55 send failed, 56 receive failed or reset, 63 "
      "too big, "
      "78 no such file, 130 Ctrl-C.\n");
}

int run_ls(const Words& arguments, const TerminalLocale& locale) {
  const LsSettings settings = ls_settings(read_options("ls", ls_options(), arguments), locale);
  Output out(1);
  const int exit_code = LsRun(settings, out, locale.encoding).run();
  if (out.has_no_reader()) {
    // A reader that has seen enough (head) ends ls as it ends ls(1), without a word.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  return exit_code;
}

}  // namespace fairlead
