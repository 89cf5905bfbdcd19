#include "client/cli/reply_printer.hpp"

#include <array>
#include <limits>
#include <string_view>

#include "client/cli/options.hpp"
#include "client/cli/output.hpp"
#include "common/base/hex.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string_view bytes_of(LineEnd end) {
  return end == LineEnd::crlf ? "\r\n" : end == LineEnd::lf ? "\n" : "";
}

}  // namespace

std::vector<ReplyFormat> parse_formats(const std::string& list) {
  const std::vector<std::string_view> names{"text", "raw", "hex", "json"};
  std::vector<ReplyFormat> forms;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    forms.push_back(
        static_cast<ReplyFormat>(choice_of("show", list.substr(at, comma - at), names)));
    at = comma + 1;
  }
  return forms;
}

bool ReplyPrinter::print(const Frame& reply) {
  ++replies_;
  const ReplyText text = read_reply(encoding_, reply.payload);
  for (const ReplyFormat form : forms_) print_as(form, reply, text);
  return text.torn.empty();
}

void ReplyPrinter::print_as(ReplyFormat form, const Frame& reply, const ReplyText& text) {
  switch (form) {
    case ReplyFormat::text: {
      std::string line = shown_text(text);
      if (!line.ends_with('\n')) line += '\n';
      return out_.write(line);
    }
    case ReplyFormat::raw:
      return out_.write(std::string(reply.payload).append(bytes_of(reply.line_end)));
    case ReplyFormat::hex:
      return out_.write(hex_of(reply.payload).append(hex_of(bytes_of(reply.line_end))) + '\n');
    case ReplyFormat::json:
      return out_.write(json(reply, text) + '\n');
  }
}

std::string ReplyPrinter::shown_text(const ReplyText& text) const {
  if (out_.is_terminal()) {
    const std::string escaped = escaped_lines(text.utf8) + escaped_lines(text.torn);
    return in_encoding(escaped, terminal_);
  }
  if (text.encoding == Encoding::binary) return text.utf8;
  std::string whole = text.utf8;
  if (!text.torn.empty()) whole += kReplacement;
  return in_encoding(whole, terminal_);
}

std::string ReplyPrinter::json(const Frame& reply, const ReplyText& text) {
  constexpr auto kWhole = std::numeric_limits<std::size_t>::max();
  std::string out = "{\"reply\":" + std::to_string(replies_) + ",\"encoding\":\"";
  out += name_of(text.encoding);
  out += "\",\"bytes\":" + std::to_string(reply.payload.size());
  out += ",\"whole\":";
  out += text.torn.empty() ? "true" : "false";
  out += ",\"text\":";
  append_json_string(out, text.utf8 + std::string(text.torn), kWhole);
  return out + '}';
}

void ReplyPrinter::print_piece(const Frame& piece) {
  const ReplyText text = read_reply(encoding_, piece.payload);
  torn_ = !text.torn.empty();
  for (const ReplyFormat form : forms_) {
    if (form != ReplyFormat::text) {
      print_as(form, piece, text);
      continue;
    }
    const std::string shown = shown_text(text);
    out_.write(shown);
    if (!shown.empty()) line_open_ = !shown.ends_with('\n');
  }
}

bool ReplyPrinter::end_pieces() {
  if (line_open_) out_.write("\n");
  line_open_ = false;
  return !torn_;
}

}  // namespace fairlead
