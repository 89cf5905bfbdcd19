#include "client/cli/progress/progress_view.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "client/cli/amounts.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

std::string_view name_of(FetchedFile::State state) noexcept {
  constexpr std::array<std::string_view, 7> kNames{"waiting", "checking", "fetching", "retrying",
                                                   "done",    "skipped",  "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

ProgressForm chosen(ProgressForm form, const Output& err) {
  if (form != ProgressForm::automatic) return form;
  return can_be_drawn_over(err) ? ProgressForm::bars : ProgressForm::lines;
}

// A line is rare enough for a log, and frequent enough to show progress.
Duration interval_of(ProgressForm form) {
  return form == ProgressForm::bars    ? kProgressEvery
         : form == ProgressForm::lines ? Duration(10'000)
                                       : Duration(1000);
}

// Bytes received over the network.
std::uint64_t fetched_bytes(const FetchedFile& file) {
  return file.here > file.resumed ? file.here - file.resumed : 0;
}

void add(FetchedFile& sum, const FetchedFile& file) {
  sum.size += file.size;
  sum.here += file.here;
  sum.resumed += file.resumed;
}

// "NAME: 12.3 MiB in 0:05 (2.46 MiB/s)", escaped. Empty for a failed file.
std::string ended_line(const FetchedFile& file, Duration took, double rate) {
  if (file.state == FetchedFile::State::failed) return {};
  std::string line = escaped(file.name) + ": ";
  if (file.state == FetchedFile::State::skipped) {
    line += "skipped";
  } else {
    line += size_text(file.here);
    // A rate over less than a second means nothing.
    if (took >= Duration(1000)) line += " in " + time_text(took) + " (" + rate_text(rate) + ")";
    if (file.resumed > 0) line += ", " + size_text(file.resumed) + " of it were here";
  }
  if (!file.note.empty()) line += ": " + escaped(file.note);
  return line;
}

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

ProgressView::ProgressView(ProgressForm form, Output& err, Encoding terminal,
                           std::function<TerminalSize()> size)
    : form_(chosen(form, err)),
      err_(err),
      terminal_(terminal),
      block_(err, std::move(size), terminal) {}

void ProgressView::update(std::span<const FetchedFile* const> active, std::uint64_t files,
                          TimePoint now) {
  files_ = files;
  total_ = ended_;
  total_.size_known = files == files_ended_ + active.size();
  for (const FetchedFile* file : active) {
    add(total_, *file);
    total_.size_known = total_.size_known && file->size_known;
    Metered& metered = active_.try_emplace(file, Metered{now, {}}).first->second;
    metered.meter.note(fetched_bytes(*file), now);
  }
  total_rate_.note(fetched_bytes(total_), now);
  const Duration interval = interval_of(form_);
  if (next_ == kNever) next_ = form_ == ProgressForm::bars ? now : now + interval;
  if (now < next_) return;
  next_ = now + interval;
  if (form_ == ProgressForm::bars) draw_bars(active);
  if (form_ == ProgressForm::lines) say(line_of(active));
  if (form_ == ProgressForm::json) err_.write(json_lines(active));
}

void ProgressView::on_file_ended(const FetchedFile& file, TimePoint now) {
  const auto metered = active_.extract(&file);
  const Duration took = metered.empty() ? Duration() : now - metered.mapped().began;
  const double rate = took > Duration() ? static_cast<double>(fetched_bytes(file)) /
                                              std::chrono::duration<double>(took).count()
                                        : 0;
  add(ended_, file);
  ++files_ended_;
  if (form_ == ProgressForm::none) return;
  if (form_ == ProgressForm::json)
    return err_.write(object_of(name_of(file.state), file, rate) + "}\n");
  const std::string line = ended_line(file, took, rate);
  if (line.empty()) return;
  if (form_ == ProgressForm::lines) return say(line);
  // Shown with the next drawing, because thousands of files may end in a second.
  above_ += line + '\n';
}

void ProgressView::say(std::string_view line) {
  const std::string whole = std::string(line) + '\n';
  if (form_ == ProgressForm::bars) {
    above_ += whole;
    return draw();
  }
  err_.write(form_ == ProgressForm::json ? whole : in_encoding(whole, terminal_));
}

void ProgressView::end() {
  if (form_ != ProgressForm::bars) return;
  bars_.clear();
  draw();
}

void ProgressView::draw_bars(std::span<const FetchedFile* const> active) {
  bars_.clear();
  for (const FetchedFile* file : active) {
    const bool is_fetching = file->state == FetchedFile::State::fetching;
    bars_.push_back({.name = escaped(file->name),
                     .state = is_fetching ? "" : std::string(name_of(file->state)),
                     .here = file->here,
                     .size = file->size,
                     .size_known = file->size_known,
                     .rate = active_.at(file).meter.rate()});
  }
  if (files_ > 1) {
    bars_.push_back({.name = files_text(),
                     .here = total_.here,
                     .size = total_.size,
                     .size_known = total_.size_known,
                     .rate = total_rate_.rate()});
  }
  draw();
}

void ProgressView::draw() {
  const TerminalSize room = block_.room();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(bars_.size(), room.rows); ++i) {
    // The last bar is the total; of the others those that fit are shown.
    const bool is_last = i + 1 == std::min(bars_.size(), room.rows);
    lines.push_back(bar_text(is_last ? bars_.back() : bars_[i], room.columns));
  }
  block_.draw(lines, std::exchange(above_, {}));
}

std::string ProgressView::files_text() const {
  return std::to_string(files_ended_) + " of " + std::to_string(files_) + " files";
}

std::string ProgressView::line_of(std::span<const FetchedFile* const> active) const {
  const bool is_one = files_ == 1 && !active.empty();
  std::string line = is_one ? escaped(active.front()->name) + ": " : files_text() + ", ";
  line += size_text(total_.here);
  if (total_.size_known) {
    line += " of " + size_text(total_.size) + " (" + percent_text(total_.here, total_.size) + ")";
  }
  const double rate = total_rate_.rate();
  line += ", " + rate_text(rate);
  if (const auto left = time_left(total_.here, total_.size, rate); total_.size_known && left)
    line += ", " + time_text(*left) + " left";
  return line;
}

std::string ProgressView::json_lines(std::span<const FetchedFile* const> active) const {
  std::string lines;
  for (const FetchedFile* file : active) {
    const double rate = active_.at(file).meter.rate();
    lines += object_of("progress", *file, rate);
    lines += ",\"state\":\"" + std::string(name_of(file->state)) + "\",\"seconds_left\":";
    const auto left = file->size_known ? time_left(file->here, file->size, rate) : std::nullopt;
    lines += left ? std::to_string(std::chrono::ceil<std::chrono::seconds>(*left).count()) : "null";
    lines += "}\n";
  }
  return lines;
}

}  // namespace fairlead
