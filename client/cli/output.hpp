// stdout, which carries data and nothing else; stderr, which carries the rest; and text on its way
// to them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// Text of a server for a terminal: escaped (common/text/escape.hpp) except for line ends and tabs;
// CRLF becomes LF. `text` may be any bytes.
std::string escaped_lines(Bytes text);

// `utf8` in the encoding of the terminal, or of whatever reads our stdout.
std::string in_encoding(std::string_view utf8, Encoding encoding);

// Writes at once and in full. After a failure nothing more is written.
class Output {
 public:
  explicit Output(int descriptor);

  // A terminal, where `show` puts the text.
  explicit Output(std::function<void(std::string_view)> show)
      : show_(std::move(show)), is_terminal_(true) {}

  bool is_terminal() const noexcept { return is_terminal_; }

  void write(std::string_view bytes);

  // Why writing failed; empty: it did not.
  const std::string& error() const noexcept { return error_; }
  // It failed because the reader of a pipe or socket has gone.
  bool has_no_reader() const noexcept { return has_no_reader_; }

 private:
  std::function<void(std::string_view)> show_ = {};
  int descriptor_ = -1;
  bool is_terminal_;
  std::string error_;
  bool has_no_reader_ = false;
};

// Writes `text` to the file, which is replaced, or to stdout for "-". Returns why it failed; empty:
// it did not.
std::string write_file(const std::string& path, std::string_view text);

}  // namespace fairlead
