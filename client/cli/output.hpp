// stdout, which carries data and nothing else; or stderr, which carries the rest.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead {

// Writes at once and in full. After a failure nothing more is written.
class Output {
 public:
  explicit Output(int descriptor);

  // A terminal, where `show` puts the text.
  explicit Output(std::function<void(std::string_view)> show)
      : show_(std::move(show)), is_terminal_(true) {}

  bool is_terminal() const noexcept { return is_terminal_; }

  void write(std::string_view bytes);

  // Why something could not be written; empty: everything was.
  const std::string& error() const noexcept { return error_; }

 private:
  std::function<void(std::string_view)> show_ = {};
  int descriptor_ = -1;
  bool is_terminal_;
  std::string error_;
};

}  // namespace fairlead
