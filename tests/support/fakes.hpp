// The world of a shard, as tests can look at it: logs and transcripts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/log/log_sink.hpp"
#include "server/api/service_environment.hpp"
#include "tests/support/failing_allocations.hpp"

namespace fairlead {

// Keeps every event with its fields as text.
class CapturingLog final : public LogSink {
 public:
  struct Event {
    Level level;
    std::string name;
    std::map<std::string, std::string> fields;
  };

  void write(Level level, std::string_view event, std::span<const Field> fields) noexcept override {
    const AllocationsSucceed always;
    Event kept{level, std::string(event), {}};
    for (const Field& one : fields) kept.fields[std::string(one.name)] = text_of(one.value);
    events.push_back(std::move(kept));
  }
  bool enabled(Level level) const noexcept override { return level >= least; }

  Level least = Level::info;
  std::vector<Event> events;

 private:
  static std::string text_of(const Field::Value& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
    if (const auto* number = std::get_if<double>(&value)) return std::to_string(*number);
    return std::get<bool>(value) ? "true" : "false";
  }
};

class CapturingTranscript final : public TranscriptSink {
 public:
  void print(std::string_view line) override { lines.emplace_back(line); }

  std::vector<std::string> lines;
};

}  // namespace fairlead
