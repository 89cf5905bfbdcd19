// The names of files on the wire (docs/protocol.md, Files). Both sides check what they receive.
#pragma once

#include <string_view>

namespace fairlead {

// A name in a directory: UTF-8, 1 to kFileComponentBytesMax bytes, no `/`, no NUL, neither `.`
// nor `..`.
bool is_file_component(std::string_view component) noexcept;

// Components with `/` between them, kFileNameBytesMax bytes at most; not empty.
bool is_file_name(std::string_view name) noexcept;

}  // namespace fairlead
