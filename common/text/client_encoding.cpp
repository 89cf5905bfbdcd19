#include "common/text/client_encoding.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/text/characters.hpp"

namespace fairlead {
namespace {

// The last end of a character, or of a broken part, up to `limit`; with `hold_tail` an unfinished
// character has no end. The bytes of UTF-8 show where a character begins, so four are enough.
std::size_t utf8_cut(Bytes bytes, std::size_t limit, bool hold_tail) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, limit); ++back) {
    const std::size_t begin = limit - back;
    const bool continues = (octet(bytes[begin]) & 0xC0) == 0x80;
    if (continues) continue;
    const Step last = utf8_step(bytes.substr(begin));
    const bool held = last.kind == Step::Kind::unfinished && hold_tail;
    return last.size > back || held ? begin : limit;
  }
  return limit;
}

// The same for GB18030, whose characters can be found from the front only.
std::size_t gb18030_cut(Bytes bytes, std::size_t limit, bool hold_tail) noexcept {
  std::size_t cut = 0;
  while (cut < limit) {
    if (octet(bytes[cut]) < 0x80) {
      cut += ascii_length(bytes.substr(cut, limit - cut));
      continue;
    }
    const Step next = gb18030_step(bytes.substr(cut));
    const bool held = next.kind == Step::Kind::unfinished && hold_tail;
    if (next.size > limit - cut || held) break;
    cut += next.size;
  }
  return cut;
}

// The last place up to `limit` where a character ends in both encodings, or 0. The bytes before it
// must be valid in both.
std::size_t last_shared_end(Bytes bytes, std::size_t limit) noexcept {
  std::size_t shared = 0;
  std::size_t utf8 = 0;
  std::size_t gb18030 = 0;
  while (utf8 <= limit && gb18030 <= limit) {
    if (utf8 == gb18030) {
      shared = utf8 + ascii_length(bytes.substr(utf8, limit - utf8));
      if (shared == limit) break;
      utf8 = gb18030 = shared;
    }
    // The position that is behind moves, so neither steps over a shared place.
    if (utf8 <= gb18030) {
      utf8 += utf8_step(bytes.substr(utf8)).size;
    } else {
      gb18030 += gb18030_step(bytes.substr(gb18030)).size;
    }
  }
  return shared;
}

std::size_t undecided_cut(Bytes bytes, std::size_t limit, bool hold_tail) noexcept {
  const std::size_t utf8 = utf8_cut(bytes, limit, hold_tail);
  // Undecided bytes that are whole in UTF-8 are read as UTF-8 anyway. A cut at a shared end would
  // make two messages of a `哈哈哈` that was sent at once.
  if (utf8 == bytes.size()) return utf8;
  const std::size_t shared = last_shared_end(bytes, utf8);
  return shared != 0 ? shared : utf8;
}

}  // namespace

ClientEncoding::ClientEncoding(const EncodingSettings& settings) noexcept : settings_(&settings) {
  if (settings.decode != Encoding::binary) decided_ = settings.decode;
}

Encoding ClientEncoding::observe(Bytes message) noexcept {
  if (settings_->decode) return *settings_->decode;
  if (decided_ == Encoding::utf8) return Encoding::utf8;

  const std::size_t ascii = ascii_length(message);
  if (ascii == message.size()) return decided_.value_or(Encoding::utf8);
  const Bytes rest = message.substr(ascii);

  const bool gb18030 = is_gb18030(rest);
  if (gb18030 && decided_ == Encoding::gb18030) return Encoding::gb18030;
  const bool utf8 = is_utf8(rest);
  if (utf8 && gb18030) return Encoding::utf8;
  if (!utf8 && !gb18030) return decided_.value_or(Encoding::binary);
  decided_ = utf8 ? Encoding::utf8 : Encoding::gb18030;
  return *decided_;
}

Encoding ClientEncoding::reply_encoding() const noexcept {
  if (settings_->encode) return *settings_->encode;
  if (!decided_) return settings_->encode_tie;
  return decided_ == Encoding::gbk ? Encoding::gb18030 : *decided_;
}

std::size_t ClientEncoding::whole_characters(Bytes bytes, std::size_t bytes_max,
                                             bool hold_tail) const noexcept {
  FAIRLEAD_CHECK(bytes_max >= 4);
  const std::size_t limit = std::min(bytes.size(), bytes_max);
  if (settings_->decode == Encoding::binary || settings_->decode == Encoding::latin1) return limit;
  if (decided_ == Encoding::utf8) return utf8_cut(bytes, limit, hold_tail);
  if (settings_->decode) return gb18030_cut(bytes, limit, hold_tail);

  const Bytes window = bytes.substr(0, limit);
  const std::size_t ascii = ascii_length(window);
  if (ascii == limit) return limit;

  const bool maybe_gb18030 = gb18030_prefix(window.substr(ascii)).valid;
  if (maybe_gb18030 && decided_) return gb18030_cut(bytes, limit, hold_tail);
  const bool maybe_utf8 = utf8_prefix(window.substr(ascii)).valid;
  if (maybe_utf8 && maybe_gb18030) return undecided_cut(bytes, limit, hold_tail);
  if (maybe_utf8) return utf8_cut(bytes, limit, hold_tail);
  if (maybe_gb18030) return gb18030_cut(bytes, limit, hold_tail);
  return limit;
}

}  // namespace fairlead
