#include "client/bench/judge/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "client/bench/workload/message_key.hpp"

namespace fairlead {
namespace {

constexpr int kResamples = 10'000;
constexpr int kOutside = kResamples / 40;  // on either side of the interval: 2.5 %

// Reorders `values`, of which there is one or more.
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

// The figures of all rounds; nothing unless each has one.
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
  if (std::isinf(ratio)) return "inf";
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(), "%.2f", ratio);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string_view name_of(CompareMetric metric) noexcept {
  constexpr std::array<std::string_view, kCompareMetrics> kNames{"p50",  "p99",    "p99.9", "mean",
                                                                 "rate", "errors", "cpu"};
  return kNames[static_cast<std::size_t>(metric)];
}

RoundFigures round_figures(const BenchResult& result) {
  const Histogram& latency = result.latency();
  const bool has_latency = latency.count() > 0;
  const auto time = [&](double value) { return has_latency ? std::optional(value) : std::nullopt; };
  const auto quantile = [&](double share) {
    return time(static_cast<double>(latency.quantile(share)));
  };
  const bool has_cpu = result.server && result.tally.counts.done > 0;
  return {quantile(0.5),
          quantile(0.99),
          quantile(0.999),
          time(latency.mean()),
          result.rate(),
          result.error_share(),
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

Comparison compare_separate(const ComparedTarget& first, const ComparedTarget& second,
                            double drift_allowance) {
  Comparison comparison = compare(std::array{first, second}, 1);
  comparison.separate_drift = drift_allowance;
  return comparison;
}

std::string ratio_figure(const Ratio& ratio) {
  if (std::isinf(ratio.estimate)) return "from 0";
  const std::string estimate = bound_figure(ratio.estimate);
  if (ratio.low == ratio.high) return estimate;
  return estimate + " [" + bound_figure(ratio.low) + ", " + bound_figure(ratio.high) + ']';
}

}  // namespace fairlead
