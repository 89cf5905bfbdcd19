// The return type of functions that may fail at run time: a value, or the reason why there is none.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace fairlead {

// One sentence for a person, without full stop. It may hold bytes of a peer: escape it
// before it is shown.
struct Error {
  std::string what = {};
};

// As std::expected of C++23.
template <class T>
using Result = tl::expected<T, Error>;

// return make_error("cannot ...");
inline tl::unexpected<Error> make_error(std::string what) {
  return tl::unexpected<Error>(Error{std::move(what)});
}

}  // namespace fairlead
