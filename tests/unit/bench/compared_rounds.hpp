// Rounds of a comparison, simulated.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "client/bench/judge/comparison.hpp"

namespace fairlead {

struct SimulatedRounds {
  std::size_t rounds = 10;
  double noise = 0.1;   // standard deviation of the logarithm, of each figure on its own
  double drift = 0.3;   // the same, of what all targets of a round share
  double factor = 1.0;  // how much slower the second target is
};

// Two targets, of which the second one's times are `factor` as long. p99 and rate only.
inline std::vector<ComparedTarget> simulated(const SimulatedRounds& plan, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, plan.noise), drift(0, plan.drift);
  std::vector<ComparedTarget> targets{{.name = "A"}, {.name = "B"}};
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    const double shared = drift(random);
    double factor = 1;
    for (ComparedTarget& target : targets) {
      const auto time = [&](double typical) {
        return typical * factor * std::exp(shared + noise(random));
      };
      RoundFigures& figures = target.rounds.emplace_back();
      figures[static_cast<std::size_t>(CompareMetric::p99)] = time(300);
      figures[static_cast<std::size_t>(CompareMetric::rate)] = 1e7 / time(200);
      factor = plan.factor;
    }
  }
  return targets;
}

}  // namespace fairlead
