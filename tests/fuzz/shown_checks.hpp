// What may reach a terminal, and that nothing is lost on the way there. Knows the rules from
// common/text/escape.hpp and docs/client.md only, not from the code.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/exit_code.hpp"
#include "client/cli/output.hpp"
#include "client/cli/reply_printer.hpp"
#include "common/base/check.hpp"
#include "common/text/characters.hpp"
#include "common/text/encoding.hpp"
#include "common/text/escape.hpp"

namespace fairlead {

inline char32_t code_of(Bytes character) {
  if (character.size() == 1) return octet(character[0]);
  char32_t code = octet(character[0]) & (0x7FU >> character.size());
  for (const char c : character.substr(1)) code = code << 6 | (octet(c) & 0x3FU);
  return code;
}

inline bool steers_a_terminal(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) {
    return code >= first && code <= last;
  };
  return within(0, 0x1F) || within(0x7F, 0x9F) || code == 0x61C || within(0x200E, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2066, 0x2069) || code == 0xFEFF;
}

// `kept`: the controls that may stand in it.
inline void check_harmless(Bytes utf8, std::string_view kept) {
  while (!utf8.empty()) {
    const Step step = utf8_step(utf8);
    FAIRLEAD_CHECK(step.kind == Step::Kind::whole);
    const Bytes character = utf8.substr(0, step.size);
    FAIRLEAD_CHECK(!steers_a_terminal(code_of(character)) || kept.find(character) != Bytes::npos);
    utf8.remove_prefix(step.size);
  }
}

// What a terminal of this encoding makes of it.
inline void check_harmless_in(Encoding terminal, Bytes bytes, std::string_view kept) {
  if (terminal == Encoding::utf8) return check_harmless(bytes, kept);
  FAIRLEAD_CHECK(is_gb18030(bytes));
  std::string utf8;
  append_utf8(utf8, bytes, terminal);
  check_harmless(utf8, kept);
}

inline std::string utf8_of(std::uint32_t code) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
  return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
}

// Reads \n \r \t \\ \" \xNN \uNNNN and \u{NNNN} back.
inline std::string unescaped(std::string_view text) {
  const auto number = [&text](std::size_t digits) {
    FAIRLEAD_CHECK(text.size() >= digits);
    const std::string hex(text.substr(0, digits));
    FAIRLEAD_CHECK(hex.find_first_not_of("0123456789abcdef") == std::string::npos);
    text.remove_prefix(digits);
    return static_cast<std::uint32_t>(std::stoul(hex, nullptr, 16));
  };
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    FAIRLEAD_CHECK(text.size() >= 2);
    const char form = text[1];
    text.remove_prefix(2);
    if (form == 'x') {
      out += static_cast<char>(number(2));
    } else if (form == 'u') {
      const bool braces = text.starts_with('{');
      if (braces) text.remove_prefix(1);
      out += utf8_of(number(4));
      FAIRLEAD_CHECK(!braces || text.starts_with('}'));
      if (braces) text.remove_prefix(1);
    } else {
      constexpr std::string_view kForms = "nrt\\\"";
      FAIRLEAD_CHECK(kForms.find(form) != std::string_view::npos);
      out += "\n\r\t\\\""[kForms.find(form)];
    }
  }
  return out;
}

inline std::string without_cr_of_crlf(Bytes text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!text.substr(i).starts_with("\r\n")) out += text[i];
  return out;
}

inline std::string as_utf8(Bytes bytes, Encoding from) {
  std::string out;
  append_utf8(out, bytes, from);
  return out;
}

inline void check_escapes(Bytes text, std::size_t bytes_max) {
  const std::string whole = escaped(text, text.size());
  check_harmless(whole, "");
  FAIRLEAD_CHECK(unescaped(whole) == text);

  const std::string lines = escaped_lines(text);
  check_harmless(lines, "\n\t");
  FAIRLEAD_CHECK(unescaped(lines) == without_cr_of_crlf(text));

  std::string json;
  append_json_string(json, text, text.size());
  check_harmless(json, "");
  FAIRLEAD_CHECK(json.size() >= 2 && json.starts_with('"') && json.ends_with('"'));
  FAIRLEAD_CHECK(unescaped(json.substr(1, json.size() - 2)) == as_utf8(text, Encoding::utf8));

  // Cut: a front of it, nearly as long as allowed, and how much is missing.
  const std::string cut = escaped(text, bytes_max);
  check_harmless(cut, "");
  if (bytes_max >= text.size()) {
    FAIRLEAD_CHECK(cut == whole);
    return;
  }
  const std::size_t mark = cut.rfind("...(+");
  FAIRLEAD_CHECK(mark != std::string::npos);
  const std::string front = unescaped(cut.substr(0, mark));
  FAIRLEAD_CHECK(text.starts_with(front));
  FAIRLEAD_CHECK(front.size() <= bytes_max && bytes_max - front.size() < 4);
  FAIRLEAD_CHECK(cut.substr(mark) ==
                 "...(+" + std::to_string(text.size() - front.size()) + " bytes)");
}

// Where everything that is told is also shown.
class Terminal {
 public:
  Terminal(Encoding encoding, const EncodingSettings& decode)
      : encoding_(encoding),
        printer_(out_, {ReplyFormat::text, ReplyFormat::json, ReplyFormat::hex}, encoding, decode) {
  }

  void show(const Frame& reply) {
    printer_.print(reply);
    check_writes();
  }

  void show_piece(const Frame& piece) {
    printer_.print_piece(piece);
    check_writes();
  }

  void show(const Failure& failure) {
    const std::string line = report_line("host\n:1", result_of(failure));
    FAIRLEAD_CHECK(line.empty() == (failure.kind == FailureKind::none));
    check_harmless(line, "\n");
    FAIRLEAD_CHECK(line.empty() || line.find('\n') == line.size() - 1);
    check_harmless(retry_notice(failure, true, Duration(1)), "");
    check_harmless_in(encoding_, in_encoding(retry_notice(failure, true, Duration(1)), encoding_),
                      "");
  }

 private:
  // One write for each form. JSON is UTF-8 everywhere, and one line.
  void check_writes() {
    FAIRLEAD_CHECK(writes_.size() == 3);
    check_harmless_in(encoding_, writes_[0], "\n\t");
    check_harmless(writes_[1], "\n");
    FAIRLEAD_CHECK(writes_[1].find('\n') == writes_[1].size() - 1);
    FAIRLEAD_CHECK(writes_[2].find_first_not_of("0123456789abcdef") == writes_[2].size() - 1);
    writes_.clear();
  }

  Encoding encoding_;
  std::vector<std::string> writes_;
  Output out_{[this](std::string_view bytes) { writes_.emplace_back(bytes); }};
  ReplyPrinter printer_;
};

}  // namespace fairlead
