#include "client/cli/progress/progress_views.hpp"

#include <unistd.h>

#include "client/cli/amounts.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "client/cli/progress/progress_bars.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string line_of(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                    double rate) {
  std::string line =
      totals.files == 1 && !active.empty()
          ? escaped(active.front()->name) + ": "
          : std::to_string(totals.files_ended) + " of " + std::to_string(totals.files) + " files, ";
  line += size_text(totals.here);
  if (totals.size_known) {
    line += " of " + size_text(totals.size) + " (" + percent_text(totals.here, totals.size) + ")";
  }
  line += ", " + rate_text(rate);
  if (const auto left = time_left(totals.here, totals.size, rate); totals.size_known && left)
    line += ", " + time_text(*left) + " left";
  return line;
}

}  // namespace

void ProgressLines::update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                           TimePoint now) {
  meter_.note(active, totals, now);
  if (next_ == kNever) next_ = now + kEvery;
  if (now < next_) return;
  next_ = now + kEvery;
  say(line_of(active, totals, meter_.total_rate()));
}

void ProgressLines::on_file_ended(const FetchedFile& file, TimePoint now) {
  if (const std::string line = ended_line(file, meter_.ended(file, now)); !line.empty()) say(line);
}

void ProgressLines::say(std::string_view line) {
  err_.write(in_encoding(std::string(line) + '\n', encoding_));
}

namespace {

// Without the brace at the end.
std::string object_of(std::string_view event, const FetchedFile& file, double rate) {
  std::string line = "{\"event\":\"" + std::string(event) + "\",\"name\":";
  append_json_string(line, file.name, file.name.size());
  line += ",\"bytes\":" + std::to_string(file.here);
  line += ",\"size\":" + (file.size_known ? std::to_string(file.size) : "null");
  line += ",\"resumed\":" + std::to_string(file.resumed);
  line += ",\"rate\":" + std::to_string(static_cast<std::uint64_t>(rate));
  if (!file.note.empty()) append_json_string(line += ",\"note\":", file.note);
  return line;
}

}  // namespace

void ProgressJson::update(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                          TimePoint now) {
  meter_.note(active, totals, now);
  if (next_ == kNever) next_ = now + kEvery;
  if (now < next_) return;
  next_ = now + kEvery;
  std::string lines;
  for (const FetchedFile* file : active) {
    const double rate = meter_.rate_of(*file);
    lines += object_of("progress", *file, rate);
    lines += ",\"state\":\"" + std::string(name_of(file->state)) + "\",\"seconds_left\":";
    const auto left = file->size_known ? time_left(file->here, file->size, rate) : std::nullopt;
    lines += left ? std::to_string(std::chrono::ceil<std::chrono::seconds>(*left).count()) : "null";
    lines += "}\n";
  }
  err_.write(lines);
}

void ProgressJson::on_file_ended(const FetchedFile& file, TimePoint now) {
  const double rate = rate_over(file, meter_.ended(file, now));
  err_.write(object_of(name_of(file.state), file, rate) + "}\n");
}

void ProgressJson::say(std::string_view line) { err_.write(std::string(line) + '\n'); }

namespace {

class NoProgress final : public ProgressView {
 public:
  NoProgress(Output& err, Encoding encoding) : err_(err), encoding_(encoding) {}

  void update(std::span<const FetchedFile* const>, const FetchTotals&, TimePoint) override {}
  void on_file_ended(const FetchedFile&, TimePoint) override {}
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
