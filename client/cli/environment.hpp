// The environment of the client: the locale of the terminal, and the folder for its state.
#pragma once

#include <string>
#include <string_view>

#include "common/text/encoding.hpp"

namespace fairlead {

struct TerminalLocale {
  Encoding encoding = Encoding::utf8;  // of arguments, of what is typed, and of what is shown
  bool chinese = false;                // prompts are Chinese
};

// Sets the character type of the process from the environment. Instead of the C locale, or one that
// is not installed, UTF-8 is used, as in Python (PEP 538). Called once, before any thread.
TerminalLocale adopt_locale();

// Whether messages are to be Chinese, by the first of LC_ALL, LC_MESSAGES and LANG that is set.
bool wants_chinese(const char* lc_all, const char* lc_messages, const char* lang);

// The path of `name` in the folder for state (XDG: $XDG_STATE_HOME, else ~/.local/state), which is
// created for the user alone. Empty if that is impossible.
std::string state_file(const std::string& name);

}  // namespace fairlead
