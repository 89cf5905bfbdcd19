// What a process that an upgrade has started finds in its environment.
#pragma once

#include <sys/types.h>

#include "common/base/descriptor.hpp"
#include "server/app/outcome.hpp"

namespace fairlead {

// The number of the channel to the older process.
inline constexpr const char* kUpgradeVariable = "FAIRLEAD_UPGRADE";

struct UpgradeContact {
  Descriptor channel;  // none: nobody hands over to this process
  pid_t older = 0;     // who does

  // Takes the variable out of the environment. Before the first thread begins. A failure: what it
  // names is no such channel.
  static Outcome<UpgradeContact> take_from_environment();
};

}  // namespace fairlead
