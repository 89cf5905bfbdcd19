// Edits a line while other text appears above it. The only file that uses libedit.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

// Reads keys from stdin, a terminal. Used on one thread. Changes the terminal mode only while a
// line is read.
class LineEditor {
 public:
  struct Settings {
    std::FILE* out = stdout;        // a terminal
    std::string history_file = {};  // empty: nothing is remembered beyond this editor
  };

  // `wait_for_key` blocks until stdin is readable, and may call print_above() meanwhile; false: the
  // line is abandoned, and stays on the screen.
  LineEditor(const Settings& settings, std::function<bool()> wait_for_key);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class History { keep, none };

  // Reads a line in the locale's encoding, without its end. Empty: end of input (Ctrl-D on an empty
  // line), or abandoned. A line that begins with a space is not remembered.
  std::optional<std::string> read_line(const std::string& prompt, History history);

  // Prints complete lines, above the edited line if there is one.
  void print_above(std::string_view lines);

  // The size of the terminal has changed (SIGWINCH).
  void on_resize();

  // The shell used the terminal meanwhile (SIGCONT).
  void on_continue();

 private:
  struct Libedit;
  std::unique_ptr<Libedit> libedit_;
};

}  // namespace fairlead
