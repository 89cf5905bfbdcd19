#include "client/bench/fail_rule.hpp"

#include <algorithm>

#include "client/bench/decimal.hpp"
#include "client/bench/setting_error.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

CompareMetric metric_named(std::string_view name, std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kCompareMetrics; ++i) {
    const auto metric = static_cast<CompareMetric>(i);
    if (name_of(metric) == name) return metric;
    names.push_back(name_of(metric));
  }
  throw SettingError(shown(text) + ": there is no " + shown(name) + did_you_mean(name, names));
}

}  // namespace

FailRule::FailRule(std::string_view text) : text_(trimmed(text)) {
  const std::string_view whole = text_;
  const std::size_t place = whole.find_first_of("<>");
  const auto malformed = [&] {
    return SettingError(shown(whole) + ": write a name and >+N% or <-N%, such as p99>+10%");
  };
  if (place == std::string_view::npos) throw malformed();
  metric_ = metric_named(trimmed(whole.substr(0, place)), whole);
  is_above_ = whole[place] == '>';

  const std::string_view change = trimmed(whole.substr(place + 1));
  if (change.size() < 3 || change.front() != (is_above_ ? '+' : '-') || change.back() != '%')
    throw malformed();
  const auto percent = decimal_in(change.substr(1, change.size() - 2));
  if (!percent) throw malformed();
  change_ = *percent / 100;
}

bool FailRule::is_beyond(const Ratio& ratio, double drift) const noexcept {
  const double change = std::max(change_, drift);
  if (is_above_) return ratio.estimate > 1 + change && ratio.low > 1;
  return ratio.estimate < 1 - change && ratio.high < 1;
}

std::vector<std::string> FailRule::failures(const Comparison& comparison) const {
  std::vector<std::string> sentences;
  for (std::size_t i = 1; i < comparison.targets.size(); ++i) {
    const Comparison::Target& target = comparison.targets[i];
    const std::string what = std::string(name_of(metric_)) + " of " + escaped(target.name);
    const auto& ratio = target.ratios[static_cast<std::size_t>(metric_)];
    if (!ratio) {
      sentences.push_back(text_ + ": " + what + " was not measured");
    } else if (is_beyond(*ratio, comparison.separate_drift.value_or(0))) {
      sentences.push_back(text_ + ": " + what + " is " + ratio_figure(*ratio) + " times that of " +
                          escaped(comparison.targets.front().name));
    }
  }
  return sentences;
}

}  // namespace fairlead
