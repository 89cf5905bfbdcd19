// The file run_dir/ports, in which other programs find where the daemon listens.
#pragma once

#include <string>

#include "server/app/listeners.hpp"
#include "server/app/outcome.hpp"

namespace fairlead {

// Writes one line `LISTENER ADDRESS` for each socket, complete or not at all.
Outcome<> write_ports_file(const std::string& run_dir, const OpenedListeners& listeners);

}  // namespace fairlead
