// Whether the figures of a load test can be believed: a load test that is too slow measures itself.
#pragma once

#include "client/bench/judge/result.hpp"

namespace fairlead {

// The rules, the gravest first. A remark does not change the level: it tells something about the
// server or the run.
//
// clang-format off
//   rule                DOUBTFUL                          INVALID
//   nothing_completed                                     no operation was completed (idle: no
//                                                         connection was made)
//   processor           a thread used >= 80 % of its core >= 95 %, of a second or more; not asked
//                                                         where the threads spin
//   starved             a thread waited for a core for    >= 30 %, of a second or more
//                       >= 10 % of the time
//   lateness            the p99 of how late messages were > 50 % of the p99 reported, and
//                       sent is > 1 ms and > 10 % of the  enough messages for a p99
//                       p99 reported
//   worst_lateness      a message was sent > 50 ms late,
//                       which is > 10 % of the maximum
//                       reported
//   send_rate                                             < 95 % of what was due was sent, and
//                                                         waiting replies, full sockets, errors and
//                                                         wrong replies do not explain it
//   own_failures        no port, no descriptor, or        of > 1 % of the operations
//                       another failure of our side
//   held_by_socket      > 1 % of the messages were not
//                       taken by the kernel at once
//   unfinished          > 1 % of the messages had neither
//                       reply nor error at the end
//   clock_step          the clock was set by > 10 ms
//   few_samples         too few values for a p99          (remark: too few for a p99.9)
//   held_by_inflight    (remark: > 1 % of the messages were due while their connection waited for
//                       replies; the server is too slow for the rate, and a closed loop would have
//                       hidden it)
//   interrupted         (remark)
// clang-format on
//
// Lateness, worst_lateness and send_rate apply to open loops only.
namespace verdict_limits {
inline constexpr double kBusyDoubtful = 0.80, kBusyInvalid = 0.95;  // of the time
inline constexpr double kStarvedDoubtful = 0.10, kStarvedInvalid = 0.30;
inline constexpr double kShareSeconds = 1;  // in a shorter run no share is INVALID
// An idle machine wakes a thread within 0.1 ms, a busy one within 1 ms.
inline constexpr double kLatenessFloor = 1'000;                             // microseconds
inline constexpr double kLatenessDoubtful = 0.10, kLatenessInvalid = 0.50;  // of what is reported
inline constexpr double kWorstLatenessFloor = 50'000;                       // microseconds
inline constexpr double kSentShareMin = 0.95;
inline constexpr double kNoticeable = 0.01;  // of the operations
inline constexpr double kClockStepMs = 10;
}  // namespace verdict_limits

// Ignores the result's own verdict and thresholds.
Verdict judge(const BenchResult& result);

}  // namespace fairlead
