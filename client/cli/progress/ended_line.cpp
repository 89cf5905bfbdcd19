#include "client/cli/progress/ended_line.hpp"

#include "client/cli/amounts.hpp"
#include "client/cli/progress/fetch_meter.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

double rate_over(const FetchedFile& file, std::optional<Duration> took) {
  if (!took || *took <= Duration::zero()) return 0;
  const auto seconds = std::chrono::duration<double>(*took).count();
  return static_cast<double>(fetched_bytes(file.here, file.resumed)) / seconds;
}

std::string ended_line(const FetchedFile& file, std::optional<Duration> took) {
  if (file.state == FetchedFile::State::failed) return {};
  std::string line = escaped(file.name) + ": ";
  if (file.state == FetchedFile::State::skipped) {
    line += "skipped";
  } else {
    line += size_text(file.here);
    // Of less than a second a rate would say nothing.
    if (took && *took >= Duration(1000))
      line += " in " + time_text(*took) + " (" + rate_text(rate_over(file, took)) + ")";
    if (file.resumed > 0) line += ", " + size_text(file.resumed) + " of it were here";
  }
  if (!file.note.empty()) line += ": " + escaped(file.note);
  return line;
}

}  // namespace fairlead
