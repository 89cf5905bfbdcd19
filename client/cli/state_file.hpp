// Where the client keeps what it remembers between two runs.
#pragma once

#include <string>

namespace fairlead {

// `name` in Fairlead's folder for state (XDG Base Directory: $XDG_STATE_HOME, else
// ~/.local/state), which is made, for the user alone, where it is missing. Empty where there can be
// none.
std::string state_file(const std::string& name);

}  // namespace fairlead
