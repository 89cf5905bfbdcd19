#include "client/cli/environment.hpp"

#include <langinfo.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>

namespace fairlead {

TerminalLocale adopt_locale() {
  TerminalLocale result;
  result.chinese =
      wants_chinese(std::getenv("LC_ALL"), std::getenv("LC_MESSAGES"), std::getenv("LANG"));
  const char* const adopted = std::setlocale(LC_CTYPE, "");
  const std::string_view name = adopted == nullptr ? "C" : adopted;
  if (name == "C" || name == "POSIX") std::setlocale(LC_CTYPE, "C.UTF-8");
  // Other character sets are not supported: UTF-8 instead.
  result.encoding = encoding_named(::nl_langinfo(CODESET)).value_or(Encoding::utf8);
  return result;
}

bool wants_chinese(const char* lc_all, const char* lc_messages, const char* lang) {
  for (const char* value : {lc_all, lc_messages, lang}) {
    if (value != nullptr && *value != '\0') return std::string_view(value).starts_with("zh");
  }
  return false;
}

std::string state_file(const std::string& name) {
  namespace fs = std::filesystem;
  fs::path base;
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  if (state != nullptr && *state == '/') {  // the standard ignores relative ones
    base = state;
  } else if (home != nullptr && *home == '/') {
    base = fs::path(home) / ".local" / "state";
  } else {
    return {};
  }
  const fs::path folder = base / "fairlead";
  std::error_code failed;
  const mode_t before = ::umask(S_IRWXG | S_IRWXO);
  fs::create_directories(folder, failed);
  ::umask(before);
  return failed ? std::string() : (folder / name).string();
}

}  // namespace fairlead
