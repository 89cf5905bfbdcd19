#include "client/cli/progress/fetch_meter.hpp"

#include <algorithm>

#include "client/cli/amounts.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

void RateMeter::note(std::uint64_t bytes, TimePoint now) {
  if (!looks_.empty() && bytes < looks_.back().bytes) looks_.clear();
  if (!looks_.empty() && now - looks_.back().at < kApart) return;
  looks_.push_back({now, bytes});
  while (looks_.size() > 2 && looks_[1].at <= now - kWindow) looks_.pop_front();
}

double RateMeter::rate() const {
  if (looks_.size() < 2) return 0;
  const std::chrono::duration<double> time = looks_.back().at - looks_.front().at;
  return static_cast<double>(looks_.back().bytes - looks_.front().bytes) / time.count();
}

void FetchMeter::note(std::span<const FetchedFile* const> active, const FetchTotals& totals,
                      TimePoint now) {
  for (const FetchedFile* file : active) {
    Metered& metered = files_.try_emplace(file, Metered{now, {}}).first->second;
    metered.meter.note(fetched_bytes(file->here, file->resumed), now);
  }
  total_.note(fetched_bytes(totals.here, totals.resumed), now);
}

double FetchMeter::rate_of(const FetchedFile& file) const {
  const auto found = files_.find(&file);
  return found == files_.end() ? 0 : found->second.meter.rate();
}

std::optional<Duration> FetchMeter::ended(const FetchedFile& file, TimePoint now) {
  const auto metered = files_.extract(&file);
  if (metered.empty()) return std::nullopt;
  return now - metered.mapped().began;
}

std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate) {
  if (rate < 1) return std::nullopt;
  if (here >= size) return Duration::zero();
  constexpr double kYear = 365 * 86400.0;
  const double seconds = std::min(static_cast<double>(size - here) / rate, kYear);
  return Duration(static_cast<Duration::rep>(seconds * 1000));
}

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
    // A rate over less than a second means nothing.
    if (took && *took >= Duration(1000))
      line += " in " + time_text(*took) + " (" + rate_text(rate_over(file, took)) + ")";
    if (file.resumed > 0) line += ", " + size_text(file.resumed) + " of it were here";
  }
  if (!file.note.empty()) line += ": " + escaped(file.note);
  return line;
}

}  // namespace fairlead
