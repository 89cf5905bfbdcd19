// What one client's bytes are taken for, and in what its replies are written (the rules of
// docs/protocol.md, Encodings).
#pragma once

#include <cstddef>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// `decode` and `encode` of a service. An empty optional is `auto` for decode and `match` for
// encode.
struct EncodingSettings {
  std::optional<Encoding> decode;        // auto
  std::optional<Encoding> encode;        // match
  Encoding encode_tie = Encoding::utf8;  // for `match`, until the client has decided
};

// The memory of one client's encoding: a pointer and two bytes, owned by its session, touched by
// its shard's thread only. Under `auto` a message decides when it holds non-ASCII bytes and is
// valid in exactly one of UTF-8 and GB18030. Decided GBK flips to UTF-8 at a message that is
// invalid in GB18030 and valid in UTF-8; decided UTF-8 never flips.
class ClientEncoding {
 public:
  explicit ClientEncoding(const EncodingSettings& settings) noexcept;

  // Takes one complete message into account and says what to read it as: under `auto`, the decided
  // encoding; undecided text is utf8 if valid; what is valid in neither UTF-8 nor GB18030 is binary
  // and decides nothing (but once UTF-8 is decided, bad bytes are still read as utf8 and become
  // U+FFFD). Decided GBK is reported as gb18030, its superset.
  Encoding observe(Bytes message) noexcept;

  // What a reply is to be written in now: `encode`, or under `match` what the client has decided,
  // else the tie. A fixed `decode` (other than binary) counts as decided. GBK clients are written
  // to in gb18030 unless encode says gbk.
  Encoding reply_encoding() const noexcept;

  // The longest prefix of `bytes` (which begins at a character) of at most `bytes_max` that tears
  // no character in any encoding the client may still be speaking. Undecided bytes that are valid
  // so far in both UTF-8 and GB18030 are whole when they end with a character of UTF-8 within
  // `bytes_max` (one delivery stays one message); else they are cut where both have a
  // boundary; where they share none within `bytes_max`, UTF-8's boundary counts. A decided GBK
  // client is cut by GB18030, and by UTF-8 where only that is still possible, because it may flip.
  // With `hold_tail` false an unfinished character at the very end counts as whole (the silence has
  // lasted long enough). Returns 0 only when `bytes` is empty or is nothing but an unfinished
  // character. bytes_max >= 4. Bytes that fit no encoding are cut at bytes_max; under a fixed or
  // decided UTF-8 and a fixed GBK or GB18030, broken parts are stepped over and the characters
  // around them are still not torn. Costs one scan of at most `bytes_max` bytes while they are
  // ASCII, four bytes under UTF-8, nothing under latin1.
  std::size_t whole_characters(Bytes bytes, std::size_t bytes_max, bool hold_tail) const noexcept;

  std::optional<Encoding> decided() const noexcept;  // for the session log

 private:
  const EncodingSettings* settings_;  // the service's; outlives the session
  std::optional<Encoding> decided_;
};

}  // namespace fairlead
