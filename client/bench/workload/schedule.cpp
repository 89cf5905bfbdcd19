#include "client/bench/workload/schedule.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "client/bench/stats/figures.hpp"
#include "common/config/parsed.hpp"
#include "common/config/units.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr double kRateMax = 1e9;  // a second: an operation each nanosecond

struct Scale {
  std::string_view suffix;
  double factor;
};

// Removes the suffix, if there is one of them, and returns its factor.
double take_scale(std::string_view& text, const auto& scales) {
  for (const Scale& scale : scales) {
    if (!text.ends_with(scale.suffix)) continue;
    text.remove_suffix(scale.suffix.size());
    return scale.factor;
  }
  return 1;
}

Stage parse_stage(std::string_view text) {
  const std::string where = "--stage " + shown(text);
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos)
    throw SettingError(where + ": expected TIME@RATE or TIME@RATE-RATE, as in 10s@1k");
  const auto length = parse_duration(text.substr(0, at));
  if (!length) throw SettingError(where + ": " + length.error().what);
  if (*length == Duration::zero()) throw SettingError(where + ": the time cannot be 0");
  if (*length > kRunMax) throw SettingError(where + ": no test is longer than 100 days");
  const std::string_view rates = text.substr(at + 1);
  const std::size_t dash = std::min(rates.find('-'), rates.size());
  Stage stage{.length = *length, .rate = parse_rate(rates.substr(0, dash))};
  if (dash < rates.size()) stage.rate_at_end = parse_rate(rates.substr(dash + 1));
  return stage;
}

}  // namespace

double parse_rate(std::string_view text) {
  constexpr std::array<Scale, 3> kTimes{{{"/s", 1}, {"/m", 60}, {"/h", 3600}}};
  constexpr std::array<Scale, 4> kNumbers{{{"k", 1e3}, {"K", 1e3}, {"m", 1e6}, {"M", 1e6}}};
  std::string_view rest = text;
  const double seconds = take_scale(rest, kTimes);
  const double factor = take_scale(rest, kNumbers);
  const auto number = number_in<double>(rest);
  if (!number) {
    throw SettingError(shown(text) +
                       " is not a rate: write how many a second, a minute or an hour, such as 500, "
                       "10k, 0.5 or 30/m");
  }
  const double rate = *number * factor / seconds;
  if (rate > kRateMax) throw SettingError(shown(text) + " is above a thousand million a second");
  return rate;
}

std::vector<Stage> parse_stages(std::string_view text) {
  std::vector<Stage> stages;
  BenchDuration length{0};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    stages.push_back(parse_stage(text.substr(at, comma - at)));
    at = comma + 1;
    length += stages.back().length;
    if (length > kRunMax) throw SettingError("--stage: no test is longer than 100 days");
  }
  const auto pauses = [](const Stage& stage) { return stage.rate_max() == 0; };
  if (std::ranges::all_of(stages, pauses))
    throw SettingError("--stage: with no rate above 0 nothing would be sent; --idle only connects");
  return stages;
}

}  // namespace fairlead
