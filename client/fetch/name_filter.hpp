// --include and --exclude: which of the files below a directory are fetched. Sans-IO.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

// Globs as of fnmatch(3). One without `/` is compared with the last component of a name, one with
// `/` with all of it, where `*` and `?` match no `/`.
struct NameFilter {
  std::vector<std::string> include = {};  // empty: everything
  std::vector<std::string> exclude = {};  // also what is below a directory that one matches

  // `path`: components joined with `/`, from the directory on that was asked for.
  bool takes_file(std::string_view path) const;
  // Whether the directory is to be there even if no file of it is taken.
  bool takes_directory(std::string_view path) const;
};

}  // namespace fairlead
