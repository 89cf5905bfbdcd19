#include "client/fetch/rate_limit.hpp"

#include <algorithm>

#include "common/protocol/limits.hpp"

namespace fairlead {
namespace {

using Seconds = std::chrono::duration<double>;

// The longest pause; it also keeps a tiny rate from overflowing a time.
constexpr Seconds kPauseMax = std::chrono::hours(24);

constexpr std::uint64_t kRequestBytesMin = 256;  // no more overhead than that

}  // namespace

std::uint64_t RateLimit::request_bytes(std::uint64_t connections) const noexcept {
  if (is_unlimited()) return ~std::uint64_t{0};
  return std::max(kRequestBytesMin, rate_ / connections);
}

std::uint32_t RateLimit::receive_buffer_bytes() const noexcept {
  if (is_unlimited() || rate_ >= kReadBytesMax) return 0;
  // The kernel takes twice as much, for what it needs itself, which may be little.
  return static_cast<std::uint32_t>(std::max(rate_ / 2, kRequestBytesMin));
}

TimePoint RateLimit::take(std::uint64_t bytes, TimePoint now) {
  if (is_unlimited()) return now;
  const auto rate = static_cast<double>(rate_);
  const double due = Seconds(now - counted_).count() * rate;
  excess_bytes_ = std::max(0.0, excess_bytes_ - due) + static_cast<double>(bytes);
  counted_ = now;
  const double too_many = excess_bytes_ - Seconds(kBurst).count() * rate;
  if (too_many <= 0) return now;
  return now + std::chrono::ceil<Duration>(std::min(Seconds(too_many / rate), kPauseMax));
}

}  // namespace fairlead
