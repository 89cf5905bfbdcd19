// When a comparison fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/bench/judge/comparison.hpp"

namespace fairlead {

// What a comparison may not find: 'p99>+10%', 'rate<-5%'.
class FailRule {
 public:
  // Throws SettingError.
  explicit FailRule(std::string_view text);

  // A sentence for each target that is beyond the limit, without full stop: the estimate is beyond
  // it, and the whole interval on that side of no change. For runs made apart the estimate must be
  // beyond the drift allowed for as well. A figure that was not measured fails too.
  std::vector<std::string> failures(const Comparison& comparison) const;

 private:
  bool is_beyond(const Ratio& ratio, double drift) const noexcept;

  std::string text_;
  CompareMetric metric_ = CompareMetric::p99;
  bool is_above_ = true;  // fails above 1 + change_, else below 1 - change_
  double change_ = 0;     // 0.10 for 10%
};

}  // namespace fairlead
