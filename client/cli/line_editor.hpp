// One line at a time, edited on the screen while other text comes in above it. The only file that
// knows libedit.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// Keys come from stdin, which is a terminal. Used on one thread. While no line is being read the
// terminal is in the mode it was found in; so it is after the editor.
class LineEditor {
 public:
  struct Settings {
    std::FILE* out = stdout;        // a terminal
    std::string history_file = {};  // empty: nothing is remembered beyond this editor
  };

  // `wait_for_key` blocks until stdin can be read, and may do anything meanwhile, print_above()
  // included; false: the line is given up, and stays on the screen as it is.
  LineEditor(const Settings& settings, std::function<bool()> wait_for_key);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class History { keep, none };

  // Reads a line in the locale's encoding, without its end. Nothing: end of input (Ctrl-D on an
  // empty line), or given up. What begins with a space is not remembered.
  std::optional<std::string> read_line(const std::string& prompt, History history);

  // Shows complete lines above the line that is being edited; or just shows them, when none is.
  void print_above(std::string_view lines);

  // The terminal has another size now (SIGWINCH).
  void on_resize();

  // The shell had the terminal meanwhile (SIGCONT): what it left is below the line.
  void on_continue();

 private:
  struct Libedit;
  std::unique_ptr<Libedit> libedit_;
};

}  // namespace fairlead
