// Reads configuration files: lines, sections, includes. It knows no key and reads no disk: its
// input is ConfigFiles.
#pragma once

#include <cstddef>
#include <string>

#include "common/config/files.hpp"
#include "common/config/source.hpp"

namespace fairlead {

// Longer than any line that a person writes.
inline constexpr std::size_t kConfigLineBytesMax = 64 * 1024;
inline constexpr std::size_t kIncludeDepthMax = 8;    // ends a circle that a symlink hides
inline constexpr std::size_t kConfigFilesMax = 1000;  // bounds the work of nested patterns

// Appends the content of `path` and of what it includes to `input`, in reading order: an include
// stands for the lines of its files. Reading continues after an error, so that all are found. A
// file may set a key once.
void read_config_file(ConfigInput& input, const std::string& path, ConfigFiles& files,
                      const Environment& environment);

}  // namespace fairlead
