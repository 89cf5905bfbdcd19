// What is wrong with the words that a load test is described by.
#pragma once

#include <stdexcept>

namespace fairlead {

// what() is one line without full stop, already escaped, that names the place and what was expected
// there.
class SettingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fairlead
