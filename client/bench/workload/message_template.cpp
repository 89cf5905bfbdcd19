#include "client/bench/workload/message_template.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "client/bench/stats/figures.hpp"
#include "client/bench/workload/load.hpp"
#include "common/config/parsed.hpp"
#include "common/text/characters.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::size_t kNumberBytesMax = std::numeric_limits<std::uint64_t>::digits10 + 1;
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
  std::array<char, kNumberBytesMax> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), done.ptr);
}

}  // namespace

std::string encoded_exactly(std::string_view utf8, Encoding encoding) {
  std::string encoded;
  if (encoding == Encoding::utf8 || encoding == Encoding::binary) {
    append_encoded(encoded, utf8, encoding);
    return encoded;
  }
  for (std::size_t place = 0; place < utf8.size();) {
    const Step step = utf8_step(utf8.substr(place));
    const std::string_view character = utf8.substr(place, step.size);
    const std::size_t begin = encoded.size();
    append_encoded(encoded, character, encoding);
    // A character that the encoding lacks is written as '?', which does not read back.
    std::string read;
    append_utf8(read, Bytes(encoded).substr(begin), encoding);
    if (step.kind != Step::Kind::whole || read != character) {
      throw SettingError('"' + escaped(character) + '"' + at_byte(place) +
                         (step.kind == Step::Kind::whole ? "" : " is not UTF-8, so it") +
                         " cannot be written in " + std::string(name_of(encoding)));
    }
    place += step.size;
  }
  return encoded;
}

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
  for (const Piece& piece : pieces_) {
    const std::size_t text_bytes = piece.kind == Kind::zh ? piece.length * chinese_width_
                                                          : piece.literal.size() + piece.length;
    const bool is_number =
        piece.kind == Kind::id || piece.kind == Kind::seq || piece.kind == Kind::n;
    bytes_max_ += is_number ? kNumberBytesMax : text_bytes;
  }
}

MessageTemplate::Piece MessageTemplate::placeholder(std::string_view inside, std::size_t place) {
  const std::vector<std::string_view> names{"id", "seq", "n", "rand", "zh"};  // as Kind has them
  const std::string_view name = inside.substr(0, inside.find(':'));
  const std::string where = shown('{' + std::string(inside) + '}') + at_byte(place);
  const auto index = std::ranges::find(names, name) - names.begin();
  const Kind kind = static_cast<Kind>(static_cast<int>(Kind::id) + index);
  const bool is_random = kind == Kind::rand || kind == Kind::zh;
  if (name == inside && kind < Kind::rand) return {.kind = kind};
  if (!is_random) {
    throw SettingError(where + " is no placeholder: " + std::string(kThereAre) +
                       did_you_mean(name, names));
  }
  const auto length =
      number_in<std::uint32_t>(inside.substr(std::min(name.size() + 1, inside.size())));
  if (!length || *length == 0 || *length > kRandomMax) {
    throw SettingError(where + " needs how many characters, 1 to " + std::to_string(kRandomMax) +
                       ": {" + std::string(name) + ":16}");
  }
  return {.kind = kind, .length = *length};
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
