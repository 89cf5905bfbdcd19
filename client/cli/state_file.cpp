#include "client/cli/state_file.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace fairlead {

std::string state_file(const std::string& name) {
  namespace fs = std::filesystem;
  fs::path base;
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  if (state != nullptr && *state == '/') {  // the standard has relative ones ignored
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
