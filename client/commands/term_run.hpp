// The conversation of `fairlead term`: at a terminal, or between pipes.
#pragma once

#include <string>

#include "client/cli/environment.hpp"
#include "client/cli/exit_code.hpp"
#include "client/cli/options.hpp"

namespace fairlead {

struct TermSettings : TalkSettings {
  std::string prompt = "> ";
  // What the server says goes above the line that is being typed. Otherwise lines in, lines out,
  // and nothing that moves a cursor: for pipes and screen readers.
  bool interactive = false;
};

// Connects, sends each line that is typed, and shows what comes, until either side ends it.
CommandResult talk(const TermSettings& settings, const TerminalLocale& locale);

}  // namespace fairlead
