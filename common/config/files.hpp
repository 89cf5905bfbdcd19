// Where configuration text comes from: an interface, so that the reader runs in tests and fuzzers
// without a disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fairlead {

struct FileText {
  std::optional<std::string> text;
  std::string error = {};   // when there is no text: why, as strerror() says it
  bool is_missing = false;  // there is no text because there is no file
};

struct FileMatches {
  std::vector<std::string> paths;  // sorted by their bytes
  std::string error;               // what could not be searched; empty: all was
};

class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;

  // The whole file, which must not be longer than kConfigFileBytesMax.
  virtual FileText read(const std::string& path) = 0;

  // The paths that match a glob(7) pattern, which is relative to `folder` unless it is absolute.
  virtual FileMatches matching(const std::string& folder, const std::string& pattern) = 0;
};

// No configuration is this long; what is longer was given by mistake.
inline constexpr std::size_t kConfigFileBytesMax = 4 * 1024 * 1024;

// The files of this machine.
class DiskFiles final : public ConfigFiles {
 public:
  FileText read(const std::string& path) override;
  FileMatches matching(const std::string& folder, const std::string& pattern) override;
};

}  // namespace fairlead
