// What this build is made of.
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

// "0.1.0".
std::string_view version() noexcept;

// The lines of `PROGRAM --version`: the version, then the compiler, the type of the build, its
// sanitizers, and the versions of the libraries that it was compiled with.
std::string version_text(std::string_view program);

}  // namespace fairlead
