// Bytes <-> Unicode in the encodings that clients of Fairlead speak. Inside the daemon text is
// UTF-8. Nothing here asks the locale; conversion is iconv's (GB18030 covers GBK), validation and
// cutting are ours because they must be resumable at every split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"

namespace fairlead {

enum class Encoding : std::uint8_t { utf8, gbk, gb18030, latin1, binary };

std::string_view name_of(Encoding) noexcept;  // "utf-8", "gbk", ...
std::optional<Encoding> encoding_named(
    std::string_view name) noexcept;  // case-insensitive; "utf8" too

bool is_ascii(Bytes) noexcept;

// Strict UTF-8 of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(Bytes) noexcept;

// Structurally valid GB18030: bytes below 0x80, two-byte and four-byte forms. 0x80 and 0xFF are in
// no form.
bool is_gb18030(Bytes) noexcept;

// What the bytes are so far, when more may follow.
struct Prefix {
  bool valid;              // no byte so far contradicts the encoding
  std::size_t unfinished;  // bytes of an incomplete character at the end: 0..3 (0 when !valid)
};
Prefix utf8_prefix(Bytes) noexcept;
Prefix gb18030_prefix(Bytes) noexcept;  // the view must begin at a character

// Appends the UTF-8 for `bytes` read as `from`; gbk is read as gb18030, which holds all of it. What
// is not valid, or is no character, becomes U+FFFD, one for each maximal broken part (in GB18030 a
// broken part is one byte, so that no ASCII byte behind it is swallowed); `binary` is passed
// through untouched. Never fails.
void append_utf8(std::string& out, Bytes bytes, Encoding from);

// Appends `utf8` (valid UTF-8, or what came through as binary) written in `to`. What the encoding
// cannot write becomes '?', one for each character or broken part; `binary` and `utf8` pass
// everything through untouched. Never fails. GBK has what Python's codec of that name has. GB18030
// has every code point but 24 private-use ones, which the revision of 2005 gave up (U+E78D to
// U+E796 and fourteen between U+E816 and U+E864).
void append_encoded(std::string& out, std::string_view utf8, Encoding to);

// Opens what the two above need in this thread, so that no message later waits for the loading of a
// converter, or finds no descriptor left to load it with. False when one cannot be opened: until it
// can, every non-ASCII character of that encoding is replaced.
bool open_converters() noexcept;

}  // namespace fairlead
