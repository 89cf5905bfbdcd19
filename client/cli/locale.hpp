// What the environment says of the person at the terminal. Only the client asks it, never the
// daemon.
#pragma once

#include <string>
#include <string_view>

#include "common/text/encoding.hpp"

namespace fairlead {

struct TerminalLocale {
  Encoding encoding = Encoding::utf8;  // of arguments, of what is typed, and of what is shown
  bool chinese = false;                // prompts are Chinese
};

// Sets the process's character type from the environment. Where that names no locale that is
// installed, or the C locale, UTF-8 is used: a bare system has no other, and terminals are UTF-8
// (Python does the same, PEP 538). Called once, before any thread.
TerminalLocale adopt_locale();

// Whether messages are to be Chinese, by the first of LC_ALL, LC_MESSAGES and LANG that is set.
bool wants_chinese(const char* lc_all, const char* lc_messages, const char* lang);

}  // namespace fairlead
