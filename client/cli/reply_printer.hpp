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

enum class Show : std::uint8_t { text, raw, hex, json };

// Reads "text,hex": each reply is shown in each of these forms. Throws UsageError.
std::vector<Show> parse_show(const std::string& list);

// Prints replies on stdout: escaped where that is a terminal, but for `raw`; else as text in the
// terminal's encoding, unescaped, for the next program.
class ReplyPrinter {
 public:
  // The output and the encoding settings outlive it.
  ReplyPrinter(Output& out, std::vector<Show> forms, Encoding terminal,
               const EncodingSettings& encoding)
      : out_(out), forms_(std::move(forms)), terminal_(terminal), encoding_(encoding) {}

  // One whole reply. False: its last character is torn.
  bool print(const Frame& reply);

  // A piece of a reply that has no end but that of the connection; text is not ended by a newline.
  void print_piece(const Frame& piece);

  // The reply that came in pieces is over. False: its last character was torn.
  bool end_pieces();

 private:
  void print_as(Show form, const Frame& reply, const ReplyText& text);
  std::string shown_text(const ReplyText& text) const;
  std::string json(const Frame& reply, const ReplyText& text);

  Output& out_;
  std::vector<Show> forms_;
  Encoding terminal_;
  ClientEncoding encoding_;
  std::uint64_t replies_ = 0;
  bool torn_ = false;
  bool line_open_ = false;  // the last piece did not end a line
};

}  // namespace fairlead
