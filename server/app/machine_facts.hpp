// The facts about the machine that --doctor judges.
#pragma once

#include "server/app/doctor.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// Tries what a start would try, and leaves everything as it was: addresses are listened at for a
// moment, files are opened but not written.
MachineFacts gather_facts(const ServerSettings& settings);

}  // namespace fairlead
