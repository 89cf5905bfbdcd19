#include "client/bench/workload/exact_encoding.hpp"

#include "client/bench/workload/setting_error.hpp"
#include "common/text/characters.hpp"
#include "common/text/escape.hpp"

namespace fairlead {
namespace {

// What has no place in the encoding is written as '?', which does not read back.
bool reads_back(std::string_view utf8, Bytes encoded, Encoding encoding) {
  std::string read;
  append_utf8(read, encoded, encoding);
  return read == utf8;
}

std::string refusal(std::string_view utf8, Encoding encoding) {
  const std::string into = " in " + std::string(name_of(encoding));
  for (std::size_t place = 0; place < utf8.size();) {
    const Step step = utf8_step(utf8.substr(place));
    const std::string_view character = utf8.substr(place, step.size);
    const std::string where = '"' + escaped(character) + "\" at byte " + std::to_string(place + 1);
    if (step.kind != Step::Kind::whole)
      return where + " is not UTF-8, so it cannot be written" + into;
    std::string written;
    append_encoded(written, character, encoding);
    if (!reads_back(character, written, encoding)) return where + " cannot be written" + into;
    place += step.size;
  }
  return "the text cannot be written" + into;
}

}  // namespace

std::string encoded_exactly(std::string_view utf8, Encoding encoding) {
  std::string encoded;
  append_encoded(encoded, utf8, encoding);
  const bool is_untouched = encoding == Encoding::utf8 || encoding == Encoding::binary;
  if (!is_untouched && !reads_back(utf8, encoded, encoding))
    throw SettingError(refusal(utf8, encoding));
  return encoded;
}

}  // namespace fairlead
