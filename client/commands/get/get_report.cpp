#include "client/commands/get/get_report.hpp"

#include <unistd.h>

#include <utility>

#include "common/base/hex.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

CommandResult result_of(const FetchOutcome& outcome) {
  switch (outcome.end) {
    case FetchEnd::complete:
    case FetchEnd::interrupted:
    case FetchEnd::differs:
      return {};
    case FetchEnd::unexpected:
      return {kExitUnexpectedReply, outcome.what + "; it is not the file that --sha256 means"};
    case FetchEnd::cannot_write:
      return {kExitCannotWrite, outcome.what};
    case FetchEnd::changed:
      return {kExitFileChanged, outcome.what + "; fetch it again when it changes no more"};
    case FetchEnd::corrupt:
      return {kExitReceiveFailed, outcome.what + "; look at the network between, and at the disks"};
    case FetchEnd::refused: {
      CommandResult refused = result_of(outcome.told, outcome.what);
      if (outcome.told == CloseReason::no_such_file)
        refused.line += "; `fairlead ls` lists what there is, and a directory needs -r";
      return refused;
    }
    case FetchEnd::lost:
      return {kExitPartialFile,
              "the connection was lost: " + outcome.what + "; the same command goes on from here"};
  }
  return {};
}

std::string sum_line(const Sha256Digest& digest, std::string_view name) {
  std::string line = hex_of(Bytes(digest.data(), digest.size())) + "  ";
  const bool is_escaped = name.find_first_of("\\\n\r") != name.npos;
  if (!is_escaped) return line.append(name) += '\n';
  for (const char c : name) {
    if (c == '\\')
      line += "\\\\";
    else if (c == '\n')
      line += "\\n";
    else if (c == '\r')
      line += "\\r";
    else
      line += c;
  }
  return '\\' + line + '\n';
}

GetReport::GetReport(const GetSettings& settings, const TerminalLocale& locale)
    : server_(settings.client.server.text()),
      is_quiet_(settings.progress == ProgressForm::none),
      view_(settings.progress, err_, locale.encoding, [] { return terminal_size(STDERR_FILENO); }) {
}

void GetReport::say(std::string_view remote, std::string_view what) {
  if (!is_quiet_) view_.say("fairlead: " + server_ + "/" + escaped(remote) + ": " + escaped(what));
}

void GetReport::on_skipped(FetchedFile& file, const std::string& why, TimePoint now) {
  on_ended(file, FetchedFile::State::skipped, why, now);
}

void GetReport::on_done(FetchedFile& file, const std::string& stored_as, TimePoint now) {
  on_ended(file, FetchedFile::State::done, stored_as, now);
}

void GetReport::on_failed(FetchedFile& file, const CommandResult& outcome, TimePoint now) {
  on_ended(file, FetchedFile::State::failed, "", now);
  fail(server_ + "/" + file.name, outcome);
}

void GetReport::on_ended(FetchedFile& file, FetchedFile::State state, std::string note,
                         TimePoint now) {
  file.state = state;
  file.note = std::move(note);
  view_.on_file_ended(file, now);
}

void GetReport::fail_server(const Failure& failure) { fail(server_, result_of(failure)); }

void GetReport::on_not_begun(std::uint64_t files) {
  fail(server_, {kExitPartialFile, "the server is lost, and " + std::to_string(files) +
                                       " more files were not begun; the same command goes on"});
}

void GetReport::fail(std::string_view where, const CommandResult& outcome) {
  std::string line = report_line(where, outcome);
  if (line.ends_with('\n')) line.pop_back();
  if (!line.empty()) view_.say(line);
  if (exit_code_ == kExitOk) exit_code_ = outcome.exit_code;
}

int GetReport::end() {
  view_.end();
  return exit_code_;
}

}  // namespace fairlead
