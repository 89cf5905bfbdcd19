// The log as the code that reports events sees it: no file, no thread, no logging library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

namespace fairlead {

enum class Level : std::uint8_t { debug, info, warn, error, off };

inline constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error",
                                                                "off"};

constexpr std::string_view name_of(Level level) noexcept {
  return kLevelNames[static_cast<std::size_t>(level)];
}

// Finds a level by the name that name_of() returns.
constexpr std::optional<Level> level_named(std::string_view name) noexcept {
  for (std::size_t index = 0; index < kLevelNames.size(); ++index)
    if (kLevelNames[index] == name) return static_cast<Level>(index);
  return std::nullopt;
}

// One named value of an event. Its name and its text are views that must live until the call
// returns. Text may hold any bytes, also those of a peer: the sink escapes them.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  std::string_view name;
  Value value;
};

// field("port", 7878), field("peer", text): picks the alternative of the type, so that no pointer
// becomes a bool.
template <class T>
constexpr Field field(std::string_view name, const T& value) noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return {name, value};
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return {name, std::string_view(value)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {name, static_cast<double>(value)};
  } else if constexpr (std::is_signed_v<T>) {
    return {name, static_cast<std::int64_t>(value)};
  } else {
    static_assert(std::is_unsigned_v<T>, "a field is text, a number or a bool");
    return {name, static_cast<std::uint64_t>(value)};
  }
}

// Takes events: a constant phrase in lower case, and fields for what varies. Never throws and never
// blocks, since event loops call it.
class LogSink {
 public:
  virtual ~LogSink() = default;

  virtual void write(Level level, std::string_view event,
                     std::span<const Field> fields) noexcept = 0;
  // What somebody has asked for: written whatever the log's own level, and however often.
  virtual void report(Level level, std::string_view event, std::span<const Field> fields) noexcept {
    write(level, event, fields);
  }
  // False when such an event would be dropped: ask before computing costly fields.
  virtual bool enabled(Level level) const noexcept = 0;

  void debug(std::string_view event, std::initializer_list<Field> fields) noexcept {
    if (enabled(Level::debug)) write(Level::debug, event, fields);
  }
  // log.info("listening", {field("listener", name), field("address", text)})
  void info(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(Level::error, event, fields);
  }
};

}  // namespace fairlead
