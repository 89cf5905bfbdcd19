// Reads configuration files: lines, sections, includes. Knows no key; a pure function of what
// ConfigFiles says.
#pragma once

#include <cstddef>
#include <string>

#include "common/config/files.hpp"
#include "common/config/source.hpp"

namespace fairlead {

inline constexpr std::size_t kConfigLineBytesMax =
    64 * 1024;  // the longest value there is, with room for escapes
inline constexpr std::size_t kIncludeDepthMax = 8;  // files within files; ends what a symlink hides
inline constexpr std::size_t kConfigFilesMax = 1000;  // bounds the work of many wide includes

// Appends to `input` all that `path` and what it includes say, in reading order: an include stands
// for the lines of its files. Goes on after every error, so that all are found. Within one file a
// key may be given once.
void read_config_file(ConfigInput& input, const std::string& path, ConfigFiles& files,
                      const Environment& environment);

}  // namespace fairlead
