// The names of files on the wire (docs/protocol.md, Files). Both sides check what they receive.
#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead {

// A name in a directory: UTF-8, 1 to kFileComponentBytesMax bytes, no `/`, no NUL, neither `.`
// nor `..`.
bool is_file_component(std::string_view component) noexcept;

// The form of a name: as it is on the wire, or any bytes that a disk may have.
enum class NameForm : std::uint8_t { utf8, bytes };

// Components with `/` between them, kFileNameBytesMax bytes at most; not empty.
bool is_file_name(std::string_view name, NameForm form = NameForm::utf8) noexcept;

}  // namespace fairlead
