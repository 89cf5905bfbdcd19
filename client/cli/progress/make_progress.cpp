#include "client/cli/progress/make_progress.hpp"

#include <unistd.h>

#include "client/cli/progress/progress_bars.hpp"
#include "client/cli/progress/progress_json.hpp"
#include "client/cli/progress/progress_lines.hpp"
#include "client/cli/shown_text.hpp"

namespace fairlead {
namespace {

class NoProgress final : public ProgressView {
 public:
  NoProgress(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void update(std::span<const FetchedFile* const>, const FetchTotals&, TimePoint) override {}
  void file_ended(const FetchedFile&, TimePoint) override {}
  void say(std::string_view line) override {
    err_.write(in_encoding(std::string(line) + '\n', encoding_));
  }
  void end() override {}

 private:
  Output& err_;
  Encoding encoding_;
};

}  // namespace

std::unique_ptr<ProgressView> make_progress(ProgressForm form, Output& err, Encoding terminal) {
  if (form == ProgressForm::automatic)
    form = can_be_drawn_over(err) ? ProgressForm::bars : ProgressForm::lines;
  switch (form) {
    case ProgressForm::bars:
      return std::make_unique<ProgressBars>(
          err, [] { return terminal_size(STDERR_FILENO); }, terminal);
    case ProgressForm::lines:
      return std::make_unique<ProgressLines>(err, terminal);
    case ProgressForm::json:
      return std::make_unique<ProgressJson>(err);
    default:
      return std::make_unique<NoProgress>(err, terminal);
  }
}

}  // namespace fairlead
