#include "client/cli/progress/progress_json.hpp"

#include "client/cli/progress/ended_line.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
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

void ProgressJson::file_ended(const FetchedFile& file, TimePoint now) {
  const double rate = rate_over(file, meter_.ended(file, now));
  err_.write(object_of(name_of(file.state), file, rate) + "}\n");
}

void ProgressJson::say(std::string_view line) { err_.write(std::string(line) + '\n'); }

}  // namespace fairlead
