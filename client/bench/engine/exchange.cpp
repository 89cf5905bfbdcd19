#include "client/bench/engine/exchange.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>

#include "client/bench/stats/figures.hpp"
#include "client/bench/stats/hex_dump.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

using Kind = ExchangeEvent::Kind;

std::string counted_bytes(std::uint64_t count) {
  return count_figure(count) + (count == 1 ? " byte" : " bytes");
}

std::string what_happened(const ExchangeEvent& event) {
  constexpr std::array<std::string_view, 8> kTexts{"connecting to ",
                                                   "connected",
                                                   "not connected: ",
                                                   "sent ",
                                                   "received ",
                                                   "the server has ended the connection",
                                                   "the connection is broken",
                                                   "closed"};
  std::string text(kTexts[static_cast<std::size_t>(event.kind)]);
  if (event.kind == Kind::connecting || event.kind == Kind::failed) text += escaped(event.where);
  if (event.kind == Kind::sent || event.kind == Kind::received)
    text += counted_bytes(event.bytes.size() + event.not_kept);
  return text;
}

std::string time_text(BenchDuration since_first) {
  std::array<char, 32> text{};
  const double milliseconds = std::chrono::duration<double, std::milli>(since_first).count();
  std::snprintf(text.data(), text.size(), "%10.3f ms  ", milliseconds);
  return text.data();
}

std::string dump(const ExchangeEvent& event) {
  const std::string_view mark = event.kind == Kind::sent ? "> " : "< ";
  std::string out;
  for (std::size_t at = 0; at < event.bytes.size(); at += kHexRowBytes) {
    const Bytes row = Bytes(event.bytes).substr(at, kHexRowBytes);
    out += hex_row(mark, event.offset + at, row) + '\n';
  }
  if (event.not_kept > 0)
    out += std::string(mark) + "... " + counted_bytes(event.not_kept) + " more\n";
  return out;
}

}  // namespace

Load one_exchange_of(const Load& load) {
  Load single = load;
  single.connections = single.threads = single.inflight = 1;
  single.stages.clear();
  single.duration = single.warmup = single.ramp = BenchDuration::zero();
  single.messages = 1;
  single.connect_rate = 0;
  single.reconnect_every = 0;
  single.spins = false;
  return single;
}

std::string exchange_text(const std::vector<ExchangeEvent>& events) {
  std::string out;
  for (const ExchangeEvent& event : events)
    out += time_text(event.at - events.front().at) + what_happened(event) + '\n' + dump(event);
  return out;
}

std::string exchange_outcome(const Load& load, const Tally& tally) {
  for (std::size_t i = 0; i < kBenchErrors; ++i) {
    if (tally.counts.errors[i] > 0)
      return "it failed: " + std::string(name_of(static_cast<BenchError>(i)));
  }
  if (tally.first_mismatch) return "the reply is not what was expected";
  if (tally.unfinished > 0) return "no reply has come";
  if (load.mode == BenchMode::idle) return "nothing more is sent";
  if (tally.counts.done == 0) return "nothing was sent";
  const bool is_checked = load.expectation.kind != ExpectationSettings::Kind::none;
  if (load.mode == BenchMode::file) return "the file has come";
  if (load.mode == BenchMode::greet) return is_checked ? "the greeting is as expected" : "greeted";
  return is_checked ? "the reply is as expected" : "no reply was waited for";
}

}  // namespace fairlead
