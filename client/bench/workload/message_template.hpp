// A message with places that differ from one to the next.
// clang-format off
//   {id}       the connection's number, from 1
//   {seq}      the message's number on its connection, from 1
//   {n}        its number in the run, from 1
//   {rand:16}  so many random letters and digits
//   {zh:20}    so many random Chinese characters: the 3,755 most common ones, which every encoding
//              of Chinese has
//   {{ and }}  a brace
// clang-format on
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/workload/message_key.hpp"
#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// `utf8` in `encoding`; `binary` and `utf8` pass any bytes. Throws SettingError for a character
// that `encoding` lacks, and for invalid UTF-8.
std::string encoded_exactly(std::string_view utf8, Encoding encoding);

// Constant once made, so that several threads may share one.
class MessageTemplate {
 public:
  static constexpr std::uint32_t kChinese = 3755;  // characters of {zh:N}

  // The longest {rand:N} or {zh:N}.
  static constexpr std::uint32_t kRandomMax = 1'000'000;

  // `text`: UTF-8 without escapes (see unescaped); messages are in `encoding`. Throws SettingError.
  MessageTemplate(std::string_view text, Encoding encoding);

  // The message if all are equal; lives as long as the template.
  std::optional<Bytes> constant() const noexcept;

  // Appends the message of `key`, which depends only on seed and key.
  void append(std::string& out, std::uint64_t seed, const MessageKey& key) const;

  // No message is longer.
  std::size_t bytes_max() const noexcept { return bytes_max_; }

 private:
  enum class Kind : std::uint8_t { literal, id, seq, n, rand, zh };
  struct Piece {
    Kind kind = Kind::literal;
    std::string literal = {};
    std::uint32_t length = 0;  // rand, zh: in characters
  };
  static Piece placeholder(std::string_view inside, std::size_t place);

  std::vector<Piece> pieces_;
  std::string chinese_;  // the characters of {zh:N}, in the encoding, all of one width
  std::size_t chinese_width_ = 0;
  std::size_t bytes_max_ = 0;
};

// `text` with \r \n \t \0 \\ and \xNN turned into the bytes they stand for. Throws SettingError.
std::string unescaped(std::string_view text);

// The template of the constant message `text`: its braces doubled.
std::string literal_template(std::string_view text);

}  // namespace fairlead
