#include "common/io/unsent_bound.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace fairlead {
namespace {

constexpr std::chrono::microseconds kSoon = std::chrono::milliseconds(50),
                                    kLate = std::chrono::seconds(1);

// What counts as moving where no bound says it.
constexpr std::uint32_t kStepUnbounded = 16 * 1024;

}  // namespace

std::uint32_t fitted_bound(std::uint32_t bound, UnsentLimits limits,
                           std::chrono::microseconds waited) {
  if (waited > kLate) return limits.configured;
  if (waited > kSoon || bound >= limits.most) return bound;
  return std::min(2 * bound, limits.most);
}

UnsentBound::UnsentBound(int descriptor, std::uint32_t most)
    : descriptor_(descriptor), limits_{0, most} {
  int configured = 0;
  socklen_t size = sizeof configured;
  const bool is_tcp =
      ::getsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &configured, &size) == 0;
  if (is_tcp && configured > 0)
    limits_.configured = bound_ = static_cast<std::uint32_t>(configured);
}

void UnsentBound::on_full(Time now) {
  full_since_ = now;
  unconfirmed_ = unconfirmed();
}

void UnsentBound::on_room(Time now) {
  if (limits_.configured == 0) return;
  const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(now - full_since_);
  const std::uint32_t wanted = fitted_bound(bound_, limits_, waited);
  if (wanted == bound_) return;
  const auto value = static_cast<int>(wanted);
  if (::setsockopt(descriptor_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof value) == 0)
    bound_ = wanted;
}

bool UnsentBound::has_moved() {
  const std::uint32_t now = unconfirmed();
  const std::uint32_t step = limits_.configured > 0 ? limits_.configured / 2 : kStepUnbounded;
  if (now > unconfirmed_ || unconfirmed_ - now < step) return false;
  unconfirmed_ = now;
  return true;
}

std::uint32_t UnsentBound::unconfirmed() const {
  int bytes = 0;
  return ::ioctl(descriptor_, SIOCOUTQ, &bytes) == 0 ? static_cast<std::uint32_t>(bytes) : 0;
}

}  // namespace fairlead
