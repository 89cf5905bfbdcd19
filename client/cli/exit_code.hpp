// How a command ends: an exit code, and for a failure one line on stderr.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "client/api/failure.hpp"
#include "common/base/time.hpp"

namespace fairlead {

// curl's numbers where curl has one (docs/client.md).
enum ExitCode : int {
  kExitOk = 0,
  kExitUnexpectedReply = 1,
  kExitUsage = 2,
  kExitNameNotResolved = 6,
  kExitCannotConnect = 7,
  kExitPartialFile = 18,
  kExitCannotWrite = 23,
  kExitTimeout = 28,
  kExitFileChanged = 36,
  kExitEmptyReply = 52,
  kExitSendFailed = 55,
  kExitReceiveFailed = 56,
  kExitTooBig = 63,
  kExitNoSuchFile = 78,
  kExitRegression = 97,
  kExitInvalidResult = 98,
  kExitThresholdMissed = 99,
  kExitInterrupted = 130,
};

// A wrong command line, or input that cannot be used: exit 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The result of a command: its exit code, and for a failure a line for the user.
struct CommandResult {
  int exit_code = kExitOk;
  std::string line = {};  // what happened and what to do, without full stop; may be empty
};

// The result for a failed connection.
CommandResult result_of(const Failure& failure);

// The result for an ERROR frame in reply to a request.
CommandResult result_of(CloseReason told, std::string_view sentence);

// "fairlead: WHERE: LINE", escaped, as one line; empty if the result has no line.
std::string report_line(std::string_view where, const CommandResult& outcome);

// The message, escaped, that the connection is tried again after `wait`.
std::string retry_notice(const Failure& failure, bool was_open, Duration wait);

// Prints report_line() on stderr. Returns the exit code.
int report(std::string_view where, const CommandResult& outcome);

}  // namespace fairlead
