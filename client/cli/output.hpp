// stdout, which carries data and nothing else; stderr, which carries the rest; and text on its way
// to them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.hpp"
#include "common/base/descriptor.hpp"
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

// A file for a report, opened before the work that it tells of, so that a wrong path costs nothing.
// What the file has stays until write(); one that it has made and that was not written goes with
// it.
class ReportFile {
 public:
  // `path`: "-" is stdout; empty: no report is wanted.
  explicit ReportFile(std::string path);
  ReportFile(const ReportFile&) = delete;
  ~ReportFile();

  // Why it could not be opened or written; empty: it could.
  const std::string& error() const noexcept { return error_; }
  const std::string& path() const noexcept { return path_; }
  bool is_wanted() const noexcept { return !path_.empty(); }

  // Replaces what the file has.
  void write(std::string_view text);

 private:
  std::string path_;
  Descriptor file_;
  bool is_empty_ = false;  // made, and not written
  std::string error_;
};

}  // namespace fairlead
