#include "client/bench/judge/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "client/bench/stats/figures.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_key.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/text/decimals.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

namespace {

constexpr int kResamples = 10'000;
constexpr int kOutside = kResamples / 40;  // on either side of the interval: 2.5 %

// Reorders `values`, which must not be empty.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double ratio_of(double figure, double first) {
  if (first > 0) return figure / first;
  return figure > 0 ? std::numeric_limits<double>::infinity() : 1;
}

// The figures of all rounds; empty unless every round has one.
std::optional<std::vector<double>> figures_of(const ComparedTarget& target, std::size_t metric) {
  std::vector<double> figures;
  for (const RoundFigures& round : target.rounds) {
    if (!round[metric]) return std::nullopt;
    figures.push_back(*round[metric]);
  }
  if (figures.empty()) return std::nullopt;
  return figures;
}

Ratio estimate(std::vector<double> ratios, std::uint64_t seed) {
  KeyedRandom random(seed, {});
  std::vector<double> drawn(ratios.size());
  std::vector<double> medians(kResamples);
  for (double& of_resample : medians) {
    for (double& ratio : drawn)
      ratio = ratios[random.below(static_cast<std::uint32_t>(ratios.size()))];
    of_resample = median(drawn);
  }
  const auto at_rank = [&medians](std::ptrdiff_t rank) {
    std::ranges::nth_element(medians, medians.begin() + rank);
    return medians[static_cast<std::size_t>(rank)];
  };
  return {median(ratios), at_rank(kOutside), at_rank(kResamples - 1 - kOutside)};
}

std::string bound_figure(double ratio) {
  return std::isinf(ratio) ? "inf" : with_decimals(ratio, 2);
}

}  // namespace

std::string_view name_of(CompareMetric metric) noexcept {
  constexpr std::array<std::string_view, kCompareMetrics> kNames{"p50",  "p99",    "p99.9", "mean",
                                                                 "rate", "errors", "cpu"};
  return kNames[static_cast<std::size_t>(metric)];
}

RoundFigures round_figures(const BenchResult& result) {
  const Histogram& latency = result.latency();
  const auto quantile = [&](double share) -> std::optional<double> {
    const auto value = supported_quantile(latency, share);
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
  };
  const bool has_cpu = result.server && result.tally.counts.done > 0;
  return {quantile(0.5),
          quantile(0.99),
          quantile(0.999),
          latency.count() > 0 ? std::optional(latency.mean()) : std::nullopt,
          result.rate(),
          result.ended() > 0 ? std::optional(result.error_share()) : std::nullopt,
          has_cpu ? std::optional(result.server_cpu_us()) : std::nullopt};
}

Comparison compare(std::span<const ComparedTarget> targets, std::uint64_t seed) {
  Comparison comparison{.rounds = targets.front().rounds.size()};
  for (const ComparedTarget& target : targets) {
    Comparison::Target& compared = comparison.targets.emplace_back();
    compared.name = target.name;
    for (std::size_t metric = 0; metric < kCompareMetrics; ++metric) {
      auto figures = figures_of(target, metric);
      const auto firsts = figures_of(targets.front(), metric);
      if (figures && firsts && &target != &targets.front()) {
        std::vector<double> ratios(figures->size());
        std::ranges::transform(*figures, *firsts, ratios.begin(), ratio_of);
        compared.ratios[metric] = estimate(std::move(ratios), seed);
      }
      if (figures) compared.medians[metric] = median(*figures);
    }
  }
  return comparison;
}

std::string ratio_figure(const Ratio& ratio) {
  if (std::isinf(ratio.estimate)) return "from 0";
  const std::string estimate = bound_figure(ratio.estimate);
  if (ratio.low == ratio.high) return estimate;
  return estimate + " [" + bound_figure(ratio.low) + ", " + bound_figure(ratio.high) + ']';
}

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
  const auto percent = number_in<double>(trimmed(change.substr(1, change.size() - 2)));
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
      const bool is_of_few = metric_ < CompareMetric::mean;
      sentences.push_back(
          text_ + ": " + what + " was not measured" +
          (is_of_few ? ": a percentile needs ten values beyond it in each round" : ""));
    } else if (is_beyond(*ratio, comparison.separate_drift.value_or(0))) {
      sentences.push_back(text_ + ": " + what + " is " + ratio_figure(*ratio) + " times that of " +
                          escaped(comparison.targets.front().name));
    }
  }
  return sentences;
}

}  // namespace fairlead
