// How fast each file of a fetch comes, and all together; what every view of progress shows.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>

#include "client/cli/progress/rate_meter.hpp"
#include "client/fetch/progress.hpp"

namespace fairlead {

// Owned by a view. Sans-IO.
class FetchMeter {
 public:
  // As of ProgressView::update.
  void note(std::span<const FetchedFile* const> active, const FetchTotals& totals, TimePoint now);

  // Bytes a second just now; 0 while it is not known.
  double rate_of(const FetchedFile& file) const;
  double total_rate() const { return total_.rate(); }

  // A file has ended, and another may have its address now. How long it took; empty: it came and
  // ended without being noted.
  std::optional<Duration> ended(const FetchedFile& file, TimePoint now);

 private:
  struct Metered {
    TimePoint began;
    RateMeter meter;
  };

  std::unordered_map<const FetchedFile*, Metered> files_;
  RateMeter total_;
};

// Until `size` are here, at that rate; empty: nobody knows.
std::optional<Duration> time_left(std::uint64_t here, std::uint64_t size, double rate);

// Bytes that have come over the network.
inline std::uint64_t fetched_bytes(std::uint64_t here, std::uint64_t resumed) {
  return here > resumed ? here - resumed : 0;
}

}  // namespace fairlead
