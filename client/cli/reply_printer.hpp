// How replies are shown: --show.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/api/reply_text.hpp"
#include "client/cli/output.hpp"
#include "common/protocol/frame.hpp"
#include "common/text/client_encoding.hpp"

namespace fairlead {

enum class ReplyFormat : std::uint8_t { text, raw, hex, json };

// Reads "text,hex": each reply is shown in each of these forms. Throws UsageError.
std::vector<ReplyFormat> parse_formats(const std::string& list);

// Prints replies on stdout: escaped on a terminal, except for `raw`; otherwise unescaped, in the
// terminal's encoding, for the next program.
class ReplyPrinter {
 public:
  // The output and the encoding settings outlive it.
  ReplyPrinter(Output& out, std::vector<ReplyFormat> forms, Encoding terminal,
               const EncodingSettings& encoding)
      : out_(out), forms_(std::move(forms)), terminal_(terminal), encoding_(encoding) {}

  // Prints a whole reply. False: its last character is incomplete.
  bool print(const Frame& reply);

  // Prints a part of a reply that only the end of the connection ends; adds no newline.
  void print_piece(const Frame& piece);

  // The reply printed in pieces has ended. False: its last character is incomplete.
  bool end_pieces();

 private:
  void print_as(ReplyFormat form, const Frame& reply, const ReplyText& text);
  std::string shown_text(const ReplyText& text) const;
  std::string json(const Frame& reply, const ReplyText& text);

  Output& out_;
  std::vector<ReplyFormat> forms_;
  Encoding terminal_;
  ClientEncoding encoding_;
  std::uint64_t replies_ = 0;
  bool torn_ = false;
  bool line_open_ = false;  // the last piece did not end a line
};

}  // namespace fairlead
