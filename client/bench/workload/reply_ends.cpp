#include "client/bench/workload/reply_ends.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/bench/workload/load.hpp"
#include "client/bench/workload/message_template.hpp"
#include "common/config/parsed.hpp"
#include "common/config/units.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

class HttpEnd final : public ReplyEnd {
 public:
  std::size_t reply_bytes(Bytes in, std::size_t) const override { return http_response_bytes(in); }
};

class PatternEnd final : public ReplyEnd {
 public:
  explicit PatternEnd(const std::string& pattern) : pattern_(pattern, options_of(pattern)) {
    if (!pattern_.ok())
      throw SettingError("the pattern " + shown(pattern) + ": " + escaped(pattern_.error()));
  }
  std::size_t reply_bytes(Bytes in, std::size_t searched) const override {
    // The bound of what is searched again at each delivery.
    constexpr std::size_t kMatchBytesMax = 64 * std::size_t{1024};
    const std::size_t from = searched - std::min(searched, kMatchBytesMax);
    const re2::StringPiece text(in.data(), in.size());
    re2::StringPiece found;
    if (!pattern_.Match(text, from, text.size(), re2::RE2::UNANCHORED, &found, 1)) return 0;
    return static_cast<std::size_t>(found.data() + found.size() - in.data());
  }

 private:
  static re2::RE2::Options options_of(const std::string& pattern) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    if (is_ascii(pattern)) options.set_encoding(re2::RE2::Options::EncodingLatin1);
    return options;
  }

  re2::RE2 pattern_;
};

// ---- HTTP ----

bool is_equal_ignoring_case(Bytes one, Bytes other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

Bytes trimmed(Bytes text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::optional<std::size_t> number_of(Bytes digits, int base) {
  std::uint32_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return {};
  return number;
}

// The value of the first header of that name.
std::optional<Bytes> header(Bytes head, Bytes name) {
  for (std::size_t at = head.find(kLineEnd); at != Bytes::npos; at = head.find(kLineEnd, at)) {
    at += kLineEnd.size();
    const Bytes line = head.substr(at, head.find(kLineEnd, at) - at);
    const std::size_t colon = line.find(':');
    if (colon != Bytes::npos && is_equal_ignoring_case(line.substr(0, colon), name))
      return trimmed(line.substr(colon + 1));
  }
  return {};
}

// Behind the last chunk and its trailers; 0: they have not come.
std::size_t end_of_chunks(Bytes in, std::size_t at) {
  for (;;) {
    const std::size_t line = in.find(kLineEnd, at);
    if (line == Bytes::npos) return 0;
    const Bytes digits = in.substr(at, std::min(in.find(';', at), line) - at);
    const std::optional<std::size_t> size = number_of(trimmed(digits), 16);
    if (!size) return in.size();  // not chunks: found wrong as it is
    at = line + kLineEnd.size();
    if (*size == 0) break;
    at += *size + kLineEnd.size();
    if (at > in.size()) return 0;
  }
  // Trailers, each a line, and an empty line.
  for (;;) {
    const std::size_t line = in.find(kLineEnd, at);
    if (line == Bytes::npos) return 0;
    const bool is_last = line == at;
    at = line + kLineEnd.size();
    if (is_last) return at;
  }
}

}  // namespace

std::size_t http_response_bytes(Bytes in) {
  constexpr std::string_view kVersion = "HTTP/1.";
  for (std::size_t at = 0; at < in.size();) {
    const Bytes rest = in.substr(at);
    if (!rest.starts_with(kVersion.substr(0, rest.size()))) return in.size();
    const std::size_t head = rest.find(kHeadEnd);
    if (head == Bytes::npos) return 0;
    const std::size_t body = at + head + kHeadEnd.size();
    const Bytes fields = rest.substr(0, head);
    constexpr std::size_t kStatusAt = 9;
    const auto status = number_of(fields.substr(std::min(kStatusAt, head), 3), 10);
    if (!status) return in.size();
    if (*status / 100 == 1 && *status != 101) {
      at = body;
      continue;
    }
    if (*status == 101 || *status == 204 || *status == 304) return body;
    if (const auto coding = header(fields, "transfer-encoding"))
      return is_equal_ignoring_case(*coding, "chunked") ? end_of_chunks(in, body) : 0;
    const auto length = header(fields, "content-length");
    if (!length) return 0;
    const auto size = number_of(*length, 10);
    if (!size) return in.size();
    return body + *size <= in.size() ? body + *size : 0;
  }
  return 0;
}

ReplySettings parse_reply_end(std::string_view words, Encoding encoding) {
  const auto behind = [words](std::string_view prefix) {
    return std::string(words.substr(prefix.size()));
  };
  if (words == "line") return {.boundary = ReplyBoundary::line};
  if (words == "http") return {.end = std::make_shared<HttpEnd>()};
  if (words == "silence") return {.boundary = ReplyBoundary::silence};
  if (words.starts_with("silence:")) {
    const Result<Duration> quiet = parse_duration(behind("silence:"));
    if (!quiet) throw SettingError(quiet.error().what);
    if (*quiet == Duration::zero()) throw SettingError("a silence of 0 cannot be told");
    return {.boundary = ReplyBoundary::silence, .quiet = *quiet};
  }
  if (words.starts_with("re:")) return {.end = std::make_shared<PatternEnd>(behind("re:"))};
  const std::string text = words.starts_with("text:") ? behind("text:") : std::string(words);
  if (text.empty()) throw SettingError("the text that ends a reply cannot be empty");
  return {.until = encoded_exactly(unescaped(text), encoding)};
}

}  // namespace fairlead
