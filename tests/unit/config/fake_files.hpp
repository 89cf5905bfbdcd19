// Configuration files that exist in a test only.
#pragma once

#include <fnmatch.h>

#include <map>
#include <string>

#include "common/config/files.hpp"

namespace fairlead {

class FakeFiles final : public ConfigFiles {
 public:
  FakeFiles() = default;
  explicit FakeFiles(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}

  void forbid(const std::string& path) { forbidden_ = path; }

  FileText read(const std::string& path) override {
    if (path == forbidden_) return {{}, "Permission denied", false};
    const auto found = texts_.find(path);
    if (found == texts_.end()) return {{}, "No such file or directory", true};
    return {found->second, {}, false};
  }

  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const std::string& pattern) override {
    const std::string whole = pattern.starts_with('/') ? pattern : folder + pattern;
    std::vector<std::string> paths;
    for (const auto& [path, text] : texts_)
      if (::fnmatch(whole.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
        paths.push_back(path);
    return paths;
  }

 private:
  std::map<std::string, std::string> texts_;
  std::string forbidden_;
};

}  // namespace fairlead
