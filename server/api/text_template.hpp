// Texts of the configuration with placeholders: `text` of a reply service, and the transcript
// lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/endpoint.hpp"

namespace fairlead {

// What the placeholders stand for. The views outlive the render() call.
struct TemplateValues {
  std::string_view text;    // {text}: the message, in UTF-8
  std::uint64_t len = 0;    // {len}: its bytes as they came
  const PeerAddress& peer;  // {ip} {port} {peer}
  std::uint64_t id = 0;     // {id}: the connection's number, from 1 in the order of accepting
};

class TextTemplate {
 public:
  // A `{` that opens no known placeholder stands for itself; the configuration refuses those before
  // (see unknown_placeholder).
  explicit TextTemplate(std::string from);

  // The first `{word}` of lower-case letters in `source` that is no placeholder, with its braces;
  // nothing if all are known.
  static std::optional<std::string_view> unknown_placeholder(std::string_view source);

  // The first `{` with the name of a placeholder and no `}` anywhere behind it; nothing if there is
  // none.
  static std::optional<std::string_view> unclosed_placeholder(std::string_view source);

  bool empty() const noexcept { return pieces_.empty(); }
  // The whole text when it has no placeholder: it can be sent as it is. Lives as long as the
  // template.
  std::optional<std::string_view> literal() const noexcept;
  void render(std::string& out, const TemplateValues& values) const;

 private:
  enum class Kind : std::uint8_t { literal, text, len, ip, port, peer, id };
  struct Piece {
    Kind kind;
    std::size_t begin = 0, size = 0;  // of a literal, in source_: no view, so that a copy is whole
  };
  static Kind kind_of(std::string_view braced) noexcept;  // literal: no placeholder

  std::string source_;
  std::vector<Piece> pieces_;
};

// A reply to a message of max_message is at most so many of them long, and a client cannot make the
// daemon speak far more than it hears.
inline constexpr std::size_t kTextsMax = 4;

// How often `source` holds {text}.
std::size_t times_of_text(std::string_view source);

}  // namespace fairlead
