#include "client/bench/workload/message_template.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "client/bench/workload/load.hpp"
#include "common/config/parsed.hpp"
#include "common/text/characters.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

// A character that the encoding lacks is written as '?', which does not read back.
bool reads_back(std::string_view utf8, Bytes encoded, Encoding encoding) {
  std::string read;
  append_utf8(read, encoded, encoding);
  return read == utf8;
}

std::string refusal(std::string_view utf8, Encoding encoding) {
  const std::string into = " in " + std::string(name_of(encoding));
  for (std::size_t place = 0; place < utf8.size();) {
    const Step step = utf8_step(utf8.substr(place));
    const std::string_view character = utf8.substr(place, step.size);
    const std::string where = '"' + escaped(character) + "\" at byte " + std::to_string(place + 1);
    if (step.kind != Step::Kind::whole)
      return where + " is not UTF-8, so it cannot be written" + into;
    std::string written;
    append_encoded(written, character, encoding);
    if (!reads_back(character, written, encoding)) return where + " cannot be written" + into;
    place += step.size;
  }
  return "the text cannot be written" + into;
}

}  // namespace

std::string encoded_exactly(std::string_view utf8, Encoding encoding) {
  std::string encoded;
  append_encoded(encoded, utf8, encoding);
  const bool is_untouched = encoding == Encoding::utf8 || encoding == Encoding::binary;
  if (!is_untouched && !reads_back(utf8, encoded, encoding))
    throw SettingError(refusal(utf8, encoding));
  return encoded;
}

namespace {

constexpr std::string_view kThereAre =
    "there are {id}, {seq}, {n}, {rand:16} and {zh:20}, and {{ and }} for braces";

std::string at_byte(std::size_t place) { return " at byte " + std::to_string(place + 1); }

// The first level of GB 2312: the rows B0 to D7, of which the last one has five places left.
std::string common_chinese(Encoding encoding) {
  std::string codes;
  for (int row = 0xB0; row <= 0xD7; ++row) {
    const int last = row == 0xD7 ? 0xF9 : 0xFE;
    for (int cell = 0xA1; cell <= last; ++cell)
      codes += {static_cast<char>(row), static_cast<char>(cell)};
  }
  std::string utf8;
  append_utf8(utf8, codes, Encoding::gb18030);
  return encoded_exactly(utf8, encoding);
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), done.ptr);
}

}  // namespace

MessageTemplate::MessageTemplate(std::string_view text, Encoding encoding) {
  std::string literal;
  const auto end_literal = [&] {
    if (literal.empty()) return;
    pieces_.push_back({.literal = encoded_exactly(literal, encoding)});
    literal.clear();
  };
  for (std::size_t place = 0; place < text.size();) {
    const std::string_view rest = text.substr(place);
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      literal += rest[0];
      place += 2;
    } else if (rest[0] == '{') {
      const std::size_t close = rest.find('}');
      if (close == std::string_view::npos)
        throw SettingError("\"{\"" + at_byte(place) + " is not closed: " + std::string(kThereAre));
      end_literal();
      pieces_.push_back(placeholder(rest.substr(1, close - 1), place));
      place += close + 1;
    } else if (rest[0] == '}') {
      throw SettingError("\"}\"" + at_byte(place) + " closes nothing: write }} for a brace");
    } else {
      const std::size_t length = std::min(rest.find_first_of("{}"), rest.size());
      literal += rest.substr(0, length);
      place += length;
    }
  }
  end_literal();

  if (std::ranges::find(pieces_, Kind::zh, &Piece::kind) != pieces_.end()) {
    chinese_ = common_chinese(encoding);
    chinese_width_ = chinese_.size() / kChinese;
  }
  for (const Piece& piece : pieces_) bytes_max_ += bytes_max_of(piece);
}

MessageTemplate::Piece MessageTemplate::placeholder(std::string_view inside, std::size_t place) {
  struct Known {
    std::string_view name;
    Kind kind;
    bool has_length;
  };
  constexpr std::array<Known, 5> kKnown{Known{"id", Kind::id, false},
                                        {"seq", Kind::seq, false},
                                        {"n", Kind::n, false},
                                        {"rand", Kind::rand, true},
                                        {"zh", Kind::zh, true}};
  const std::string_view name = inside.substr(0, inside.find(':'));
  const bool has_length = name.size() < inside.size();
  const std::string where = shown('{' + std::string(inside) + '}') + at_byte(place);

  const auto* known = std::ranges::find(kKnown, name, &Known::name);
  if (known == kKnown.end() || (has_length && !known->has_length)) {
    throw SettingError(where + " is no placeholder: " + std::string(kThereAre) +
                       did_you_mean(name, {"id", "seq", "n", "rand", "zh"}));
  }
  if (!known->has_length) return {.kind = known->kind};

  std::uint32_t length = 0;
  const std::string_view digits = inside.substr(std::min(name.size() + 1, inside.size()));
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, length);
  if (read.ec != std::errc{} || read.ptr != end || length == 0 || length > kRandomMax) {
    throw SettingError(where + " needs how many characters, 1 to " + std::to_string(kRandomMax) +
                       ": {" + std::string(name) + ":16}");
  }
  return {.kind = known->kind, .length = length};
}

std::size_t MessageTemplate::bytes_max_of(const Piece& piece) const noexcept {
  switch (piece.kind) {
    case Kind::literal:
      return piece.literal.size();
    case Kind::rand:
      return piece.length;
    case Kind::zh:
      return piece.length * chinese_width_;
    case Kind::id:
    case Kind::seq:
    case Kind::n:
      break;
  }
  return std::numeric_limits<std::uint64_t>::digits10 + 1;
}

std::optional<Bytes> MessageTemplate::constant() const noexcept {
  if (pieces_.empty()) return Bytes{};
  if (pieces_.size() > 1 || pieces_[0].kind != Kind::literal) return std::nullopt;
  return pieces_[0].literal;
}

void MessageTemplate::append(std::string& out, std::uint64_t seed, const MessageKey& key) const {
  KeyedRandom random(seed, key);
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal:
        out += piece.literal;
        break;
      case Kind::id:
        append_number(out, std::uint64_t{key.connection} + 1);
        break;
      case Kind::seq:
        append_number(out, key.of_connection + 1);
        break;
      case Kind::n:
        append_number(out, key.number + 1);
        break;
      case Kind::rand:
        for (std::uint32_t i = 0; i < piece.length; ++i) out += random.letter();
        break;
      case Kind::zh:
        for (std::uint32_t i = 0; i < piece.length; ++i)
          out.append(chinese_, random.below(kChinese) * chinese_width_, chinese_width_);
        break;
    }
  }
}

std::string unescaped(std::string_view text) {
  constexpr EscapeLetters kEscapes{"rnt0\\", {"\r\n\t\0\\", 5}};
  std::string out;
  const std::size_t size = text.size();
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t place = size - text.size();
    if (const std::string error = take_escape(text, kEscapes, out); !error.empty())
      throw SettingError("\"\\\"" + at_byte(place) + ": " + error);
  }
  return out;
}

std::string literal_template(std::string_view text) {
  std::string doubled;
  doubled.reserve(text.size());
  for (const char c : text) doubled.append(c == '{' || c == '}' ? 2 : 1, c);
  return doubled;
}

}  // namespace fairlead
