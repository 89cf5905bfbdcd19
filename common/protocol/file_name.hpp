// What may be the name of a file on the wire (docs/protocol.md, Files), for whoever takes one from
// the other side.
#pragma once

#include <string_view>

namespace fairlead {

// One name in a directory: UTF-8, 1 to kFileComponentBytesMax bytes, no `/`, no NUL, neither `.`
// nor `..`.
bool is_file_component(std::string_view component) noexcept;

// Components with `/` between them, kFileNameBytesMax bytes at most; not empty.
bool is_file_name(std::string_view name) noexcept;

}  // namespace fairlead
