// Where `fairlead term` runs: at a terminal, or between pipes.
#pragma once

#include "client/commands/conversation.hpp"

namespace fairlead {

// What the server says goes above the line that is being typed.
CommandResult talk_at_terminal(const TermSettings& settings, const TerminalLocale& locale);

// Lines in, lines out, and nothing that moves a cursor: for pipes and screen readers.
CommandResult talk_in_lines(const TermSettings& settings, const TerminalLocale& locale);

}  // namespace fairlead
