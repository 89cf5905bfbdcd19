#include "client/bench/workload/expectation.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "client/bench/stats/figures.hpp"
#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_template.hpp"
#include "common/config/parsed.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

using Kind = ExpectationSettings::Kind;

std::size_t common_length(Bytes bytes, Bytes other) noexcept {
  const auto differs = std::mismatch(bytes.begin(), bytes.end(), other.begin(), other.end());
  return static_cast<std::size_t>(differs.first - bytes.begin());
}

bool agree_so_far(Bytes bytes, Bytes other) noexcept {
  return common_length(bytes, other) == std::min(bytes.size(), other.size());
}

re2::StringPiece piece(Bytes bytes) noexcept { return {bytes.data(), bytes.size()}; }

std::uint64_t read_length(std::string_view digits) {
  const auto length = number_in<std::uint64_t>(digits);
  if (!length || *length == 0)
    throw SettingError(shown("len:" + std::string(digits)) +
                       ": write how many bytes a reply has, 1 or more, such as len:64");
  return *length;
}

}  // namespace

ExpectationSettings parse_expectation(std::string_view words, Encoding encoding) {
  const auto behind = [words](std::string_view prefix) { return words.substr(prefix.size()); };
  if (words == "echo") return {.kind = Kind::echo};
  if (words == "none") return {.kind = Kind::none};
  if (words.starts_with("len:"))
    return {.kind = Kind::length, .length = read_length(behind("len:"))};
  if (words.starts_with("re:")) return {.kind = Kind::pattern, .text = std::string(behind("re:"))};
  const std::string_view text = words.starts_with("text:") ? behind("text:") : words;
  if (text.empty())
    throw SettingError("an empty reply cannot be seen to come: write none where nothing comes");
  return {.kind = Kind::text, .text = encoded_exactly(unescaped(text), encoding)};
}

Expectation::Expectation(const ExpectationSettings& settings) : settings_(settings) {
  if (kind() != Kind::pattern) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  // Makes `.` any byte, so that replies in GBK match, too.
  if (is_ascii(settings_.text)) options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto pattern = std::make_unique<re2::RE2>(settings_.text, options);
  if (!pattern->ok())
    throw SettingError("the pattern " + shown(settings_.text) + ": " + escaped(pattern->error()));
  pattern_ = std::move(pattern);
}

Expectation::~Expectation() = default;
Expectation::Expectation(Expectation&&) noexcept = default;

bool Expectation::reply_is_stream() const noexcept {
  return kind() == Kind::echo || kind() == Kind::text || kind() == Kind::length;
}

std::optional<std::size_t> Expectation::check_stream(Bytes delivery, Bytes message,
                                                     std::uint64_t received) const noexcept {
  const std::uint64_t missing = expected_length(message) - received;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(delivery.size(), missing));
  const bool is_right = kind() == Kind::length ||
                        delivery.substr(0, size) == expected(message).substr(received, size);
  return is_right ? std::optional(size) : std::nullopt;
}

std::string Expectation::came(Bytes delivery, Bytes message, std::uint64_t received) const {
  return std::string(expected(message).substr(0, received)).append(delivery);
}

std::optional<MismatchKind> Expectation::check_whole(Bytes reply, Bytes message) const {
  switch (kind()) {
    case Kind::none:
      return std::nullopt;
    case Kind::length:
      if (reply.size() == settings_.length) return std::nullopt;
      return MismatchKind::length;
    case Kind::pattern:
      if (re2::RE2::PartialMatch(piece(reply), *pattern_)) return std::nullopt;
      return MismatchKind::content;
    case Kind::echo:
    case Kind::text:
      break;
  }
  const Bytes right = expected(message);
  if (reply == right) return std::nullopt;
  return agree_so_far(reply, right) ? MismatchKind::length : MismatchKind::content;
}

bool Expectation::is_order_mismatch(Bytes came, Bytes other_message) const noexcept {
  return kind() == Kind::echo && !came.empty() && agree_so_far(came, other_message);
}

Mismatch Expectation::mismatch(MismatchKind wrong, const MessageKey& key, Bytes message,
                               Bytes came) const {
  // Begins one row of the hex dump before the first wrong byte.
  constexpr std::size_t kRow = 16;
  const Bytes right = wrong == MismatchKind::unasked ? Bytes() : expected(message);
  const std::size_t offset = common_length(right, came);
  const std::size_t row = offset - offset % kRow;
  const std::size_t from = row - std::min(row, kRow);
  const auto part = [from](Bytes bytes) {
    return std::string(bytes.substr(std::min(from, bytes.size()), Mismatch::kShownBytes));
  };

  Mismatch found{.kind = wrong,
                 .number = key.number + 1,
                 .connection = key.connection,
                 .of_connection = key.of_connection + 1,
                 .offset = offset,
                 .shown_from = from,
                 .expected = part(right),
                 .got = part(came)};
  if (wrong == MismatchKind::unasked) {
    found.note = "nothing was asked for";
  } else if (kind() == Kind::pattern) {
    found.note = "does not match " + shown(settings_.text);
  } else if (wrong == MismatchKind::length) {
    found.note = std::to_string(expected_length(message)) + " bytes should have come, and " +
                 std::to_string(came.size()) + " came";
  }
  return found;
}

}  // namespace fairlead
