#include "server/api/text_template.hpp"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";

// The next `{word}` at or after `from`, with its braces; empty when there is none.
std::string_view next_braced(std::string_view source, std::size_t from) {
  for (std::size_t open = source.find('{', from); open != source.npos;
       open = source.find('{', open + 1)) {
    const std::size_t close = source.find_first_not_of(kLetters, open + 1);
    if (close != source.npos && close > open + 1 && source[close] == '}') {
      return source.substr(open, close + 1 - open);
    }
  }
  return {};
}

}  // namespace

TextTemplate::Kind TextTemplate::kind_of(std::string_view braced) noexcept {
  constexpr std::pair<std::string_view, Kind> kPlaceholders[] = {
      {"{text}", Kind::text}, {"{len}", Kind::len},   {"{ip}", Kind::ip},
      {"{port}", Kind::port}, {"{peer}", Kind::peer}, {"{id}", Kind::id},
  };
  for (const auto& [name, kind] : kPlaceholders)
    if (name == braced) return kind;
  return Kind::literal;
}

TextTemplate::TextTemplate(std::string from) : source_(std::move(from)) {
  const std::string_view source = source_;
  std::size_t literal_from = 0;
  std::size_t at = 0;
  for (auto braced = next_braced(source, at); !braced.empty(); braced = next_braced(source, at)) {
    const auto begin = static_cast<std::size_t>(braced.data() - source.data());
    at = begin + braced.size();
    const Kind kind = kind_of(braced);
    if (kind == Kind::literal) continue;
    if (begin > literal_from)
      pieces_.push_back({Kind::literal, literal_from, begin - literal_from});
    pieces_.push_back({kind});
    literal_from = at;
  }
  if (literal_from < source.size())
    pieces_.push_back({Kind::literal, literal_from, source.size() - literal_from});
}

std::optional<std::string_view> TextTemplate::literal() const noexcept {
  const bool plain = std::all_of(pieces_.begin(), pieces_.end(),
                                 [](const Piece& piece) { return piece.kind == Kind::literal; });
  return plain ? std::optional<std::string_view>(source_) : std::nullopt;
}

void TextTemplate::render(std::string& out, const TemplateValues& values) const {
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal:
        out.append(source_, piece.begin, piece.size);
        break;
      case Kind::text:
        out += values.text;
        break;
      case Kind::len:
        out += std::to_string(values.len);
        break;
      case Kind::ip:
        out += values.peer.ip_text();
        break;
      case Kind::port:
        out += std::to_string(values.peer.port);
        break;
      case Kind::peer:
        out += values.peer.python_text();
        break;
      case Kind::id:
        out += std::to_string(values.id);
        break;
    }
  }
}

std::size_t times_of_text(std::string_view source) {
  constexpr std::string_view kText = "{text}";
  std::size_t times = 0;
  for (std::size_t at = source.find(kText); at != source.npos;
       at = source.find(kText, at + kText.size()))
    ++times;
  return times;
}

std::optional<std::string_view> TextTemplate::unknown_placeholder(std::string_view source) {
  std::size_t at = 0;
  for (auto braced = next_braced(source, at); !braced.empty(); braced = next_braced(source, at)) {
    at = static_cast<std::size_t>(braced.data() - source.data()) + braced.size();
    if (kind_of(braced) == Kind::literal) return braced;
  }
  return std::nullopt;
}

std::optional<std::string_view> TextTemplate::unclosed_placeholder(std::string_view source) {
  const std::size_t closed = source.rfind('}') + 1;  // npos + 1 == 0
  for (std::size_t open = source.find('{', closed); open != source.npos;
       open = source.find('{', open + 1)) {
    const std::size_t end = std::min(source.find_first_not_of(kLetters, open + 1), source.size());
    const std::string_view word = source.substr(open, end - open);
    if (kind_of(std::string(word) + '}') != Kind::literal) return word;
  }
  return std::nullopt;
}

}  // namespace fairlead
