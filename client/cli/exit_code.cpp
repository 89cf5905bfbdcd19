#include "client/cli/exit_code.hpp"

#include <cstdio>

#include "common/base/descriptor.hpp"
#include "common/config/units.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

// The exit code for a reason that the server gave.
int exit_code_of(CloseReason told, int otherwise) {
  switch (told) {
    case CloseReason::server_full:
    case CloseReason::ip_limit:
    case CloseReason::rate_limited:
    case CloseReason::denied:
      return kExitCannotConnect;
    case CloseReason::message_too_big:
      return kExitTooBig;
    case CloseReason::protocol_error:
    case CloseReason::unknown_service:
    case CloseReason::too_many_channels:
    case CloseReason::no_such_channel:
      return kExitUnexpectedReply;
    case CloseReason::no_such_file:
      return kExitNoSuchFile;
    case CloseReason::file_changed:
      return kExitFileChanged;
    default:
      return otherwise;
  }
}

std::string in_words(CloseReason told, std::string_view sentence) {
  std::string line(name_of(told));
  if (!sentence.empty()) line += ": " + std::string(sentence);
  return line;
}

}  // namespace

CommandResult result_of(const Failure& failure) {
  const int broken = failure.unsent ? kExitSendFailed : kExitReceiveFailed;
  switch (failure.kind) {
    case FailureKind::none:
      return {};
    case FailureKind::name_not_resolved:
      return {kExitNameNotResolved,
              "cannot resolve the name: " + failure.what + "; check how it is spelled"};
    case FailureKind::refused:
      return {kExitCannotConnect,
              "cannot connect: " + failure.what + "; is the server running, and is this its port?"};
    case FailureKind::unreachable:
      return {kExitCannotConnect,
              "cannot connect: " + failure.what + "; check the address and the network"};
    case FailureKind::no_descriptor:
      return {kExitCannotConnect, "cannot connect: " + failure.what + kAllowMoreDescriptors};
    case FailureKind::connect_timeout:
      return {kExitTimeout, "timed out: " + failure.what + "; check the address, or wait longer"};
    case FailureKind::reset:
      return {broken, failure.what + "; it may have crashed, or speak another protocol"};
    case FailureKind::vanished:
      return {broken, failure.what + "; check the connection and try again"};
    case FailureKind::broken:
      return {broken, failure.what + "; look at its memory and network"};
    case FailureKind::cut_short:
      return {kExitReceiveFailed, failure.what + "; look at the server's log"};
    case FailureKind::bad_protocol:
      return {kExitUnexpectedReply, "not what this protocol has: " + failure.what +
                                        "; --protocol says which one the server speaks"};
    case FailureKind::too_big:
      return {kExitTooBig,
              "the server sent more than is taken: " + failure.what + "; ask it for less"};
    case FailureKind::turned_away:
      return {exit_code_of(failure.told, kExitReceiveFailed),
              "the server ended the connection: " + in_words(failure.told, failure.what)};
    case FailureKind::request_refused:
      return result_of(failure.told, failure.what);
  }
  return {};
}

CommandResult result_of(CloseReason told, std::string_view sentence) {
  return {exit_code_of(told, kExitUnexpectedReply),
          "the server answered with an error: " + in_words(told, sentence)};
}

std::string report_line(std::string_view where, const CommandResult& outcome) {
  if (outcome.line.empty()) return {};
  std::string line = "fairlead: ";
  if (!where.empty()) line += escaped(where) + ": ";
  // What it quotes is escaped already: its backslashes stay as they are.
  std::string_view rest = outcome.line;
  for (std::size_t place = rest.find('\\'); place != rest.npos; place = rest.find('\\')) {
    append_escaped(line, rest.substr(0, place));
    line += '\\';
    rest.remove_prefix(place + 1);
  }
  append_escaped(line, rest);
  return line + '\n';
}

std::string retry_notice(const Failure& failure, bool was_open, Duration wait) {
  std::string why = result_of(failure).line;
  if (why.empty()) why = "the server ended the connection";
  return (was_open ? "connection lost: " : "") + escaped(why) + "; trying again in " +
         format_duration(wait);
}

int report(std::string_view where, const CommandResult& outcome) {
  std::fputs(report_line(where, outcome).c_str(), stderr);
  return outcome.exit_code;
}

}  // namespace fairlead
