// The program of this process, so that another process of it can be started (execve(2)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/app/outcome.hpp"

namespace fairlead {

struct Program {
  std::string path;  // absolute, and as it was named at the start: a link may lead elsewhere by now
  std::vector<std::string> arguments;
  std::vector<std::string> environment;

  // Before the environment or the working folder changes.
  static Program of_this_process(int argument_count, char** arguments);
};

// What the environment of a child has of a variable; no value: it does not have it.
struct ChildVariable {
  std::string_view name;
  std::optional<std::string> value;
};

// The number of the first descriptor that a child is given.
inline constexpr int kFirstChildDescriptor = 3;

// Starts another process of the program. Beside the standard descriptors it has these and no other,
// in their order. `pid_variable`, which `variables` need not have, is the child's own number. The
// child has the signals and their mask as a shell would give them, but ignores HUP, USR1 and USR2,
// which come from outside at any time, until it takes them. The caller reaps it. Its memory is not
// copied, so clients wait for it for less than a millisecond.
Outcome<pid_t> start_process(const Program& program, const std::vector<ChildVariable>& variables,
                             std::string_view pid_variable, const std::vector<int>& descriptors);

}  // namespace fairlead
