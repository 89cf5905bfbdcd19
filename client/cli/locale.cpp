#include "client/cli/locale.hpp"

#include <langinfo.h>

#include <clocale>
#include <cstdlib>

namespace fairlead {

TerminalLocale adopt_locale() {
  TerminalLocale result;
  result.chinese =
      wants_chinese(std::getenv("LC_ALL"), std::getenv("LC_MESSAGES"), std::getenv("LANG"));
  const char* const adopted = std::setlocale(LC_CTYPE, "");
  const std::string_view name = adopted == nullptr ? "C" : adopted;
  if (name == "C" || name == "POSIX") std::setlocale(LC_CTYPE, "C.UTF-8");
  // Another character set is not ours to write: its users get UTF-8.
  result.encoding = encoding_named(::nl_langinfo(CODESET)).value_or(Encoding::utf8);
  return result;
}

bool wants_chinese(const char* lc_all, const char* lc_messages, const char* lang) {
  for (const char* value : {lc_all, lc_messages, lang}) {
    if (value != nullptr && *value != '\0') return std::string_view(value).starts_with("zh");
  }
  return false;
}

}  // namespace fairlead
