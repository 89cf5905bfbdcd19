#include "client/fetch/name_filter.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace fairlead {
namespace {

bool matches(const std::string& glob, std::string_view path) {
  const bool is_whole = glob.find('/') != glob.npos;
  const std::string name(is_whole ? path : path.substr(path.rfind('/') + 1));
  return ::fnmatch(glob.c_str(), name.c_str(), is_whole ? FNM_PATHNAME : 0) == 0;
}

bool matches_any(const std::vector<std::string>& globs, std::string_view path) {
  return std::ranges::any_of(globs, [path](const auto& glob) { return matches(glob, path); });
}

// The name, or a directory on the way to it.
bool is_excluded(const std::vector<std::string>& globs, std::string_view path) {
  for (std::size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1))
    if (matches_any(globs, path.substr(0, end))) return true;
  return matches_any(globs, path);
}

}  // namespace

bool NameFilter::takes_file(std::string_view path) const {
  return !is_excluded(exclude, path) && (include.empty() || matches_any(include, path));
}

bool NameFilter::takes_directory(std::string_view path) const {
  return include.empty() && !is_excluded(exclude, path);
}

}  // namespace fairlead
