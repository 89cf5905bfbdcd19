// Asking the user at the terminal.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/environment.hpp"
#include "common/io/loop.hpp"
#include "common/io/readable.hpp"

namespace fairlead {

// The prompts, in the user's language and the terminal's encoding.
struct PromptTexts {
  std::string ip, port, text;
};
PromptTexts prompt_texts(const TerminalLocale& locale);

// Runs a loop until a key is typed.
class Keyboard {
 public:
  explicit Keyboard(Loop& loop);

  // Outside of turns. False: stop() was called.
  bool wait();

  // Within a turn: every wait() ends with false from now on.
  void stop() { stopped_ = true; }

 private:
  Loop& loop_;
  Readable stdin_;
  bool stopped_ = false;
};

// Asks on stderr for one line, which may be edited; stdout is left to the data. Ctrl-C and Ctrl-D
// throw Interrupted.
struct Interrupted {};
std::string ask(const std::string& prompt);

}  // namespace fairlead
