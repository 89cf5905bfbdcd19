#include "common/text/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/text/characters.hpp"

namespace fairlead {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

using StepFunction = Step (*)(Bytes) noexcept;

// The length of the whole characters at the front.
template <StepFunction step>
std::size_t whole_length(Bytes bytes) noexcept {
  std::size_t length = 0;
  while (length < bytes.size()) {
    if (octet(bytes[length]) < 0x80) {
      length += ascii_length(bytes.substr(length));
      continue;
    }
    const Step next = step(bytes.substr(length));
    if (next.kind != Step::Kind::whole) break;
    length += next.size;
  }
  return length;
}

template <StepFunction step>
Prefix prefix(Bytes bytes) noexcept {
  const Bytes rest = bytes.substr(whole_length<step>(bytes));
  if (rest.empty()) return {true, 0};
  if (step(rest).kind == Step::Kind::broken) return {false, 0};
  return {true, rest.size()};
}

// One iconv descriptor, opened at its first use.
class Converter {
 public:
  Converter(const char* to, const char* from) noexcept : to_(to), from_(from) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (is_open()) iconv_close(descriptor_);
  }

  // False when glibc has no such converter or cannot load it now (no descriptor left, no memory).
  bool open() noexcept {
    if (!is_open()) descriptor_ = iconv_open(to_, from_);
    return is_open();
  }

  // Converts and appends a slice of at most kSliceBytes, up to a character that it cannot convert
  // or that is incomplete, and returns the length of the converted part.
  std::size_t append(std::string& out, std::string_view slice) {
    if (slice.empty() || !open()) return 0;
    iconv(descriptor_, nullptr, nullptr, nullptr, nullptr);

    // No conversion writes more than twice its input (U+0080: two bytes in UTF-8, four in GB18030).
    // If the room ends all the same, the caller converts the rest with another call.
    std::array<char, 2 * kSliceBytes> buffer;
    char* read = const_cast<char*>(slice.data());  // iconv's signature is older than const
    char* write = buffer.data();
    std::size_t unread = slice.size();
    std::size_t room = buffer.size();
    iconv(descriptor_, &read, &unread, &write, &room);
    out.append(buffer.data(), buffer.size() - room);
    return slice.size() - unread;
  }

  static constexpr std::size_t kSliceBytes = 512;

 private:
  bool is_open() const noexcept { return descriptor_ != closed(); }
  // The value iconv_open returns for a failure; a pointer made of -1 is no constant expression.
  static iconv_t closed() noexcept { return reinterpret_cast<iconv_t>(-1); }

  const char* to_;
  const char* from_;
  iconv_t descriptor_ = closed();
};

// All conversions. A descriptor has state, so each thread has its own; they close with the thread.
struct Converters {
  Converter gb18030_to_utf8{"UTF-8", "GB18030"};
  Converter latin1_to_utf8{"UTF-8", "ISO-8859-1"};
  Converter utf8_to_gbk{"GBK", "UTF-8"};
  Converter utf8_to_gb18030{"GB18030", "UTF-8"};
  Converter utf8_to_latin1{"ISO-8859-1", "UTF-8"};

  bool open() noexcept {
    return gb18030_to_utf8.open() && latin1_to_utf8.open() && utf8_to_gbk.open() &&
           utf8_to_gb18030.open() && utf8_to_latin1.open();
  }
};

Converters& converters() noexcept {
  thread_local Converters of_this_thread;
  return of_this_thread;
}

constexpr std::string_view kEuro = "\xE2\x82\xAC";

// Converts `in`; each character that the converter cannot convert, and each broken part, becomes
// `replacement`. `shorten` cuts a slice in front of characters that the converter gets wrong.
template <StepFunction step, class Shorten>
void convert(std::string& out, std::string_view in, Converter& converter,
             std::string_view replacement, Shorten shorten) {
  // glibc reads the whole slice before it reports a character that it cannot write. So slices are
  // short after such a character, and grow again; the shortest holds a whole character.
  constexpr std::size_t kShortSlice = 16;
  std::size_t slice = Converter::kSliceBytes;
  while (true) {
    const std::size_t ascii = ascii_length(in);
    out.append(in.substr(0, ascii));
    in.remove_prefix(ascii);
    if (in.empty()) return;

    const Step front = step(in);
    const bool whole = front.kind == Step::Kind::whole;
    const std::size_t converted = whole ? converter.append(out, shorten(in.substr(0, slice))) : 0;
    in.remove_prefix(converted);
    slice = converted != 0 ? std::min(2 * slice, Converter::kSliceBytes) : kShortSlice;
    if (converted != 0) continue;
    // Code page 936 has the euro at 80, which is nothing in GB18030.
    const bool is_euro = step == gb18030_step && octet(in.front()) == 0x80;
    out.append(is_euro ? kEuro : replacement);
    in.remove_prefix(front.size);
  }
}

std::string_view whole_slice(std::string_view slice) noexcept { return slice; }

// The slice up to the first character that glibc converts wrongly without an error: it drops tag
// characters (U+E0000 to U+E007F), and writes the euro into GBK as 0x80, which no GBK client reads.
std::string_view up_to_silent_error(std::string_view slice) noexcept {
  constexpr std::string_view kTags = "\xF3\xA0\x80";
  constexpr std::string_view kMoreTags = "\xF3\xA0\x81";
  return slice.substr(0, std::min({slice.find(kEuro), slice.find(kTags), slice.find(kMoreTags)}));
}

// Every byte is a character of Latin-1.
Step latin1_step(Bytes) noexcept { return {Step::Kind::whole, 1}; }

void append_repaired_utf8(std::string& out, Bytes bytes) {
  while (true) {
    const std::size_t whole = whole_length<utf8_step>(bytes);
    out.append(bytes.substr(0, whole));
    bytes.remove_prefix(whole);
    if (bytes.empty()) return;
    out.append(kReplacement);
    bytes.remove_prefix(utf8_step(bytes).size);
  }
}

// name_of() returns the first name of an encoding.
constexpr std::pair<std::string_view, Encoding> kNames[] = {
    {"utf-8", Encoding::utf8},      {"utf8", Encoding::utf8},     {"gbk", Encoding::gbk},
    {"gb18030", Encoding::gb18030}, {"latin1", Encoding::latin1}, {"binary", Encoding::binary},
};

}  // namespace

void append_utf8(std::string& out, Bytes bytes, Encoding from) {
  switch (from) {
    case Encoding::binary:
      out.append(bytes);
      return;
    case Encoding::utf8:
      append_repaired_utf8(out, bytes);
      return;
    case Encoding::gbk:
    case Encoding::gb18030:
      convert<gb18030_step>(out, bytes, converters().gb18030_to_utf8, kReplacement, whole_slice);
      return;
    case Encoding::latin1:
      convert<latin1_step>(out, bytes, converters().latin1_to_utf8, kReplacement, whole_slice);
      return;
  }
}

void append_encoded(std::string& out, std::string_view utf8, Encoding to) {
  switch (to) {
    case Encoding::binary:
    case Encoding::utf8:
      out.append(utf8);
      return;
    case Encoding::gbk:
      convert<utf8_step>(out, utf8, converters().utf8_to_gbk, "?", up_to_silent_error);
      return;
    case Encoding::gb18030:
      convert<utf8_step>(out, utf8, converters().utf8_to_gb18030, "?", whole_slice);
      return;
    case Encoding::latin1:
      convert<utf8_step>(out, utf8, converters().utf8_to_latin1, "?", up_to_silent_error);
      return;
  }
}

bool open_converters() noexcept { return converters().open(); }

bool is_ascii(Bytes bytes) noexcept { return ascii_length(bytes) == bytes.size(); }

bool is_utf8(Bytes bytes) noexcept { return whole_length<utf8_step>(bytes) == bytes.size(); }

bool is_gb18030(Bytes bytes) noexcept { return whole_length<gb18030_step>(bytes) == bytes.size(); }

Prefix utf8_prefix(Bytes bytes) noexcept { return prefix<utf8_step>(bytes); }

Prefix gb18030_prefix(Bytes bytes) noexcept { return prefix<gb18030_step>(bytes); }

std::string_view name_of(Encoding encoding) noexcept {
  for (const auto& [name, known] : kNames)
    if (known == encoding) return name;
  return "unknown";
}

std::optional<Encoding> encoding_named(std::string_view name) noexcept {
  for (const auto& [known, encoding] : kNames)
    if (std::ranges::equal(known, name, {}, {}, lower)) return encoding;
  return std::nullopt;
}

}  // namespace fairlead
