#include "client/bench/judge/threshold.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "client/bench/stats/figures.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/schedule.hpp"
#include "common/config/parsed.hpp"
#include "common/config/quoting.hpp"
#include "common/config/units.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kForm =
    ": write a name, one of < <= > >= ==, and a value, such as p99<20ms";

struct Operator {
  std::string_view text;
  bool (*holds)(double value, double limit);
};
constexpr std::array<Operator, 5> kOperators{
    {{"<", [](double value, double limit) { return value < limit; }},
     {"<=", [](double value, double limit) { return value <= limit; }},
     {">", [](double value, double limit) { return value > limit; }},
     {">=", [](double value, double limit) { return value >= limit; }},
     {"==", [](double value, double limit) { return value == limit; }}}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Threshold::Threshold(std::string_view text) : text_(trimmed(text)) {
  constexpr std::string_view kCharacters = "<>=";
  const std::string_view whole = text_;
  const std::size_t from = whole.find_first_of(kCharacters);
  if (from == std::string_view::npos) throw SettingError(shown(whole) + std::string(kForm));
  const std::size_t to = std::min(whole.find_first_not_of(kCharacters, from), whole.size());
  read_name(trimmed(whole.substr(0, from)));
  const std::string_view wanted = whole.substr(from, to - from);
  const auto* found = std::ranges::find(kOperators, wanted, &Operator::text);
  if (found == kOperators.end())
    throw SettingError(shown(whole) + ": there is no " + shown(wanted) + std::string(kForm));
  holds_ = found->holds;
  read_limit(trimmed(whole.substr(to)));
}

void Threshold::read_name(std::string_view name) {
  if (read_time_name(name)) return;
  constexpr std::array<std::string_view, 4> kOthers{"errors", "mismatch", "rate", "cpu"};
  const auto* found = std::ranges::find(kOthers, name);
  if (found == kOthers.end()) {
    throw SettingError(
        shown(text_) + ": there is no " + shown(name) +
        did_you_mean(name, {"p50", "p90", "p99", "p99.9", "p99.99", "max", "mean", "errors",
                            "mismatch", "rate", "cpu", "actual_p99", "connect_p99"}));
  }
  subject_ = static_cast<Subject>(static_cast<int>(Subject::errors) + (found - kOthers.begin()));
}

bool Threshold::read_time_name(std::string_view name) {
  if (take_prefix(name, "actual_")) latency_ = &Tally::actual;
  if (take_prefix(name, "connect_")) latency_ = &Tally::connect;
  if (name == "max" || name == "mean") {
    subject_ = name == "max" ? Subject::max : Subject::mean;
    return true;
  }
  if (!take_prefix(name, "p")) return false;
  const auto percent = number_in<double>(name);
  if (!percent || *percent <= 0 || *percent >= 100) return false;
  quantile_ = *percent / 100;
  return true;
}

void Threshold::read_limit(std::string_view text) {
  if (is_time()) {
    const auto time = parse_fine_duration(text);
    if (!time) throw SettingError(shown(text_) + ": " + time.error().what);
    limit_ = std::chrono::duration<double, std::micro>(*time).count();
    return;
  }
  if (subject_ == Subject::rate) {
    limit_ = parse_rate(text);
    return;
  }
  if (read_share(text)) return;
  const auto count = parse_count(text);
  if (!count) throw SettingError(shown(text_) + ": " + count.error().what);
  limit_ = static_cast<double>(*count);
}

// "0.1%", "0.1 %", or "0.001": a number with a point that is less than 1.
bool Threshold::read_share(std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = number_in<double>(trimmed(text.substr(0, text.size() - 1)));
    if (!percent) throw SettingError(shown(text_) + ": " + shown(text) + " is not a share: 0.1%");
    limit_ = *percent / 100;
    return is_share_ = true;
  }
  const auto share = number_in<double>(text);
  is_share_ = share && *share < 1 && text.find('.') != std::string_view::npos;
  if (is_share_) limit_ = *share;
  return is_share_;
}

bool Threshold::is_time() const noexcept {
  return subject_ == Subject::quantile || subject_ == Subject::max || subject_ == Subject::mean ||
         subject_ == Subject::cpu;
}

ThresholdOutcome Threshold::judge(const BenchResult& result) const {
  const Measured found = is_time() ? measured_time(result) : measured_number(result);
  ThresholdOutcome outcome{.text = text_};
  outcome.note = found.note;
  if (!found.value) return outcome;
  outcome.value = *found.value;
  outcome.figure = figure(*found.value);
  outcome.met = found.note.empty() && holds_(*found.value, limit_);
  return outcome;
}

Threshold::Measured Threshold::measured_time(const BenchResult& result) const {
  if (subject_ == Subject::cpu) {
    if (!result.server) return {{}, "the server's processor time is measured with --pid only"};
    if (result.tally.counts.done == 0) return {{}, "no operation was completed"};
    return {result.server_cpu_us(), {}};
  }
  const Histogram& times = latency_ != nullptr ? result.tally.*latency_ : result.latency();
  if (times.count() == 0) return {{}, "nothing was measured"};
  if (subject_ == Subject::mean) return {times.mean(), {}};
  if (subject_ == Subject::max) return {static_cast<double>(times.max()), {}};

  const auto value = static_cast<double>(times.quantile(quantile_));
  const std::uint64_t needed = samples_needed(quantile_);
  if (times.count() >= needed) return {value, {}};
  return {value, "such a percentile needs " + count_figure(needed) + " values, and there are " +
                     count_figure(times.count())};
}

Threshold::Measured Threshold::measured_number(const BenchResult& result) const {
  if (subject_ == Subject::rate) return {result.rate(), {}};
  const bool is_errors = subject_ == Subject::errors;
  const std::uint64_t wrong = is_errors ? result.errors() : result.tally.counts.all_mismatches();
  if (!is_share_) return {static_cast<double>(wrong), {}};
  if (wrong == 0 && result.ended() == 0) return {{}, "no operation ended"};
  return {is_errors ? result.error_share() : result.mismatch_share(), {}};
}

std::string Threshold::figure(double value) const {
  if (is_time()) return time_figure(value);
  if (subject_ == Subject::rate) return rate_figure(value);
  return is_share_ ? share_figure(value) : count_figure(static_cast<std::uint64_t>(value));
}

}  // namespace fairlead
