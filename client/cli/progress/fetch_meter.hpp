// The rates of the files of a download, and the line about a file that has ended.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "client/fetch/progress.hpp"
#include "common/base/time.hpp"

namespace fairlead {

class RateMeter {
 public:
  // A moving average: long enough to be readable, short enough to follow a change.
  static constexpr Duration kWindow{5000};
  // Samples closer to the last one are dropped.
  static constexpr Duration kApart{250};

  // The bytes so far. `now` never decreases; if `bytes` does, the measurement starts again.
  void note(std::uint64_t bytes, TimePoint now);

  // Bytes a second over the samples of the window; 0 with only one sample.
  double rate() const;

 private:
  struct Look {
    TimePoint at;
    std::uint64_t bytes;
  };

  std::deque<Look> looks_;  // the first may be older than the window, not the second
};

// Owned by a view. Sans-IO.
class FetchMeter {
 public:
  // The arguments of ProgressView::update.
  void note(std::span<const FetchedFile* const> active, const FetchTotals& totals, TimePoint now);

  // Current bytes a second; 0 while it is not known.
  double rate_of(const FetchedFile& file) const;
  double total_rate() const { return total_.rate(); }

  // A file has ended; its address may be used again. Returns how long it took; empty if it was
  // never noted.
  std::optional<Duration> ended(const FetchedFile& file, TimePoint now);

 private:
  struct Metered {
    TimePoint began;
    RateMeter meter;
  };

  std::unordered_map<const FetchedFile*, Metered> files_;
  RateMeter total_;
};

// Time until `size` bytes are here, at that rate; empty: not known.
std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate);

// Bytes received over the network.
inline std::uint64_t fetched_bytes(std::uint64_t here, std::uint64_t resumed) {
  return here > resumed ? here - resumed : 0;
}

// "NAME: 12.3 MiB in 0:05 (2.46 MiB/s)", escaped, without line end. `took`: empty if it is not
// known. Empty for a failed file: ProgressView::say tells why.
std::string ended_line(const FetchedFile& file, std::optional<Duration> took);

// Mean bytes a second; 0: not known.
double rate_over(const FetchedFile& file, std::optional<Duration> took);

}  // namespace fairlead
