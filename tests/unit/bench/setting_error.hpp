// What a wrong setting is told.
#pragma once

#include <string>

#include "client/bench/workload/load.hpp"

namespace fairlead {

// The error that `make` throws; empty if none.
template <class Make>
std::string setting_error(Make&& make) {
  try {
    make();
  } catch (const SettingError& error) {
    return error.what();
  }
  return {};
}

}  // namespace fairlead
