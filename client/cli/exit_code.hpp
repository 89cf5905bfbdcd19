// How a command ends: one number, and where it is not 0, one line on stderr.
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

// The end of a command: a number and, where that is not 0, what is said about it.
struct Outcome {
  int exit_code = kExitOk;
  std::string line = {};  // what happened and what to do, without full stop; empty: say nothing
};

// What a connection's failure means for the person who asked for it.
Outcome outcome_of(const Failure& failure);

// What an ERROR frame in reply to a request means.
Outcome outcome_of(CloseReason told, std::string_view sentence);

// "fairlead: WHERE: LINE" escaped, as one line; nothing when the outcome has none.
std::string report_line(std::string_view where, const Outcome& outcome);

// What is said, escaped, of a connection that is not there and will be tried again after `wait`.
std::string retry_notice(const Failure& failure, bool was_open, Duration wait);

// Prints report_line() on stderr. Returns the exit code.
int report(std::string_view where, const Outcome& outcome);

}  // namespace fairlead
