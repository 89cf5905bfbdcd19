// The source of configuration text: an interface, so that tests and fuzzers run the reader without
// a disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace fairlead {

struct FileText {
  std::optional<std::string> text;
  std::string error = {};   // without a text: the reason, as strerror() says it
  bool is_missing = false;  // there is no such file
};

class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;

  // The whole file, of at most kConfigFileBytesMax bytes.
  virtual FileText read(const std::string& path) = 0;

  // The paths that match a glob(7) pattern, which is relative to `folder` unless it is absolute;
  // sorted by their bytes. An error: a folder could not be searched.
  virtual Result<std::vector<std::string>> matching(const std::string& folder,
                                                    const std::string& pattern) = 0;
};

// Longer than any configuration; a longer file was named by mistake.
inline constexpr std::size_t kConfigFileBytesMax = 4 * 1024 * 1024;

// The files of this machine.
class DiskFiles final : public ConfigFiles {
 public:
  FileText read(const std::string& path) override;
  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const std::string& pattern) override;
};

}  // namespace fairlead
