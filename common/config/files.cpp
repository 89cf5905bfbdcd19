#include "common/config/files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "common/base/descriptor.hpp"

namespace fairlead {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

// Escapes what glob() would read as a pattern in the folder's own name.
std::string glob_escaped(const std::string& folder) {
  std::string result;
  for (const char c : folder) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

// Why glob() gave up. Its callback has no argument to keep that in.
thread_local int search_error = 0;

// A missing folder matches nothing. One that cannot be read is an error, since it may hold files
// that the user counts on.
int on_unreadable_folder(const char*, int error) {
  if (error == ENOENT || error == ENOTDIR) return 0;
  search_error = error;
  return 1;
}

}  // namespace

FileText DiskFiles::read(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {{}, reason_of(errno), errno == ENOENT};
  std::string text;
  std::array<char, 16 * 1024> block;
  for (;;) {
    const auto count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {{}, reason_of(errno), false};
    if (count == 0) return {std::move(text), {}, false};
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > kConfigFileBytesMax)
      return {{}, "longer than " + std::to_string(kConfigFileBytesMax) + " bytes", false};
  }
}

Result<std::vector<std::string>> DiskFiles::matching(const std::string& folder,
                                                     const std::string& pattern) {
  const std::string whole =
      pattern.starts_with('/') || folder.empty() ? pattern : glob_escaped(folder) + pattern;
  glob_t found{};
  const int result = ::glob(whole.c_str(), GLOB_NOSORT, on_unreadable_folder, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (result == GLOB_ABORTED) return make_error(reason_of(search_error));
  if (result == GLOB_NOSPACE) return make_error(reason_of(ENOMEM));
  std::ranges::sort(paths);
  return paths;
}

}  // namespace fairlead
