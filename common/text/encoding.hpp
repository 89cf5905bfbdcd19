// Conversion between UTF-8, which is used inside the daemon, and the encodings of clients. Nothing
// depends on the locale. iconv converts (GB18030 covers GBK); validation and cutting are our own,
// since they must resume at every split of the input.
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
// Ignores case, and knows "utf8" too.
std::optional<Encoding> encoding_named(std::string_view name) noexcept;

bool is_ascii(Bytes) noexcept;

// Strict UTF-8 of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(Bytes) noexcept;

// The structure of GB18030: bytes below 0x80, and forms of two and four bytes, none of which begins
// with 0x80 or 0xFF.
bool is_gb18030(Bytes) noexcept;

// The validity of bytes of which more may follow.
struct Prefix {
  bool valid;              // no byte so far contradicts the encoding
  std::size_t unfinished;  // bytes of an incomplete character at the end: 0..3 (0 when !valid)
};
Prefix utf8_prefix(Bytes) noexcept;
Prefix gb18030_prefix(Bytes) noexcept;  // the view must begin at a character

// Appends the UTF-8 for `bytes` read as `from`; gbk is read as its superset gb18030. Each broken
// part (in GB18030 one byte) and each character without a code point becomes U+FFFD. `binary` is
// copied. Never fails.
void append_utf8(std::string& out, Bytes bytes, Encoding from);

// Appends `utf8` (valid UTF-8, or bytes that came as binary) written in `to`. Each character that
// the encoding lacks, and each broken part, becomes '?'. `binary` and `utf8` are copied. Never
// fails. GBK is the same as Python's codec. GB18030 lacks the 24 private-use code points that the
// revision of 2005 gave up (U+E78D to U+E796 and fourteen between U+E816 and U+E864).
void append_encoded(std::string& out, std::string_view utf8, Encoding to);

// Opens the converters of this thread in advance, so that no message waits for one to be loaded, or
// finds no descriptor left for it. False when one cannot be opened: until it can, all non-ASCII
// characters of its encoding are replaced.
bool open_converters() noexcept;

}  // namespace fairlead
