#include "client/bench/workload/bench_plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace fairlead {
namespace {

constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

ConnectionSettings connection_of(const Load& load, const Expectation& expectation) {
  ConnectionSettings settings = load.connection;
  settings.line_end = LineEnd::none;
  const bool is_stream =
      !load.ends_replies && (expectation.reply_is_stream() || !expectation.awaits_reply());
  if (is_stream || load.mode == BenchMode::file) {
    settings.reply = {.boundary = ReplyBoundary::none};
    settings.encoding.decode = Encoding::binary;  // else half a character would be held back
  }
  return settings;
}

std::uint64_t operations_of_run(const Load& load, const std::optional<Arrivals>& arrivals) {
  if (load.mode == BenchMode::idle) return 0;
  const std::uint64_t asked = load.messages == 0 ? kEndless : load.messages;
  if (!arrivals) return asked;
  const bool has_end = load.duration > BenchDuration::zero();
  return std::min(asked, has_end ? arrivals->count_until(load.duration) : arrivals->total());
}

}  // namespace

BenchPlan::BenchPlan(const Load& wanted, std::vector<Destination> addresses)
    : load(wanted),
      servers(std::move(addresses)),
      sources(wanted.sources),
      messages(wanted.message, wanted.seed),
      expectation(wanted.expectation),
      arrivals(wanted.is_open_loop()
                   ? std::optional<Arrivals>(std::in_place, wanted.stages, wanted.ramp)
                   : std::nullopt),
      connection(connection_of(wanted, expectation)),
      operations(operations_of_run(wanted, arrivals)),
      connects_each(
          wanted.mode == BenchMode::conn || wanted.mode == BenchMode::greet ||
          (wanted.mode == BenchMode::file && wanted.connection.protocol != Protocol::framed)),
      has_message(wanted.mode != BenchMode::greet &&
                  (!wanted.message.texts.empty() || wanted.message.size_max > 0)),
      uses_of_a_connection(connects_each                 ? 1
                           : wanted.reconnect_every == 0 ? kEndless
                                                         : wanted.reconnect_every) {}

std::uint64_t BenchPlan::operations_of(std::uint32_t index) const noexcept {
  if (operations == kEndless) return kEndless;
  return operations / load.connections + (index < operations % load.connections ? 1 : 0);
}

BenchDuration BenchPlan::opens_at(std::uint32_t index) const noexcept {
  double seconds = load.connect_rate > 0 ? index / load.connect_rate : 0;
  if (!load.is_open_loop()) {
    const double ramp = fairlead::seconds(load.ramp);
    seconds = std::max(seconds, ramp * index / load.connections);
  }
  return std::chrono::duration_cast<BenchDuration>(std::chrono::duration<double>(seconds));
}

}  // namespace fairlead
