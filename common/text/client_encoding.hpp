// The encoding of one client's bytes and of its replies (docs/protocol.md, Encodings).
#pragma once

#include <cstddef>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/text/encoding.hpp"

namespace fairlead {

// `decode` and `encode` of a service.
struct EncodingSettings {
  std::optional<Encoding> decode;        // empty: auto
  std::optional<Encoding> encode;        // empty: match
  Encoding encode_tie = Encoding::utf8;  // for `match`, until the client has decided

  bool operator==(const EncodingSettings&) const = default;
};

// The state of one client: a pointer and two bytes, owned by its session, touched by its shard's
// thread only. Under `auto` a message decides when it holds non-ASCII bytes and is valid in exactly
// one of UTF-8 and GB18030. A decision for GBK changes to UTF-8 at a message that is invalid in
// GB18030 and valid in UTF-8; a decision for UTF-8 is final.
class ClientEncoding {
 public:
  explicit ClientEncoding(const EncodingSettings& settings) noexcept;

  // Takes one complete message into account and returns the encoding to read it as. Under `auto`
  // that is the decided encoding; before a decision, utf8 if the message is valid UTF-8; and binary
  // if it is valid in neither UTF-8 nor GB18030, unless UTF-8 is decided. GBK is returned as its
  // superset gb18030.
  Encoding observe(Bytes message) noexcept;

  // The encoding of a reply: `encode`; or under `match` the decided one, else the tie. A fixed
  // `decode` (other than binary) counts as decided. A decision for GBK is answered in gb18030.
  Encoding reply_encoding() const noexcept;

  // The length of the longest prefix of `bytes` (which begins at a character), at most `bytes_max`
  // (>= 4), that cuts no character in an encoding the client may still use:
  // * UTF-8, and fixed GBK or GB18030: at a character of that encoding. Broken parts are skipped.
  // * Decided GBK: by GB18030, or by UTF-8 where only that is possible, since it may change.
  // * Undecided and valid in both so far: all of it if it ends with a character of UTF-8, so that
  // one
  //   delivery stays one message; else where both have a boundary; else at a boundary of UTF-8.
  // * latin1, binary, and bytes that fit no encoding: at `bytes_max`.
  // With `hold_tail` false an unfinished character at the end counts as whole, since the pause has
  // passed. Returns 0 only if `bytes` is empty or nothing but an unfinished character. Scans at
  // most `bytes_max` bytes of ASCII, four bytes under UTF-8, and none under latin1.
  std::size_t whole_characters(Bytes bytes, std::size_t bytes_max, bool hold_tail) const noexcept;

  std::optional<Encoding> decided() const noexcept { return decided_; }
  // What decided() was in another process; a fixed `decode` stands.
  void go_on_with(std::optional<Encoding> decided) noexcept {
    if (!settings_->decode) decided_ = decided;
  }

 private:
  const EncodingSettings* settings_;  // the service's; outlives the session
  std::optional<Encoding> decided_;
};

}  // namespace fairlead
