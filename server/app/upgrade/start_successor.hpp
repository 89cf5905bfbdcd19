// Starts the process that an upgrade hands over to, with the listening sockets and a channel.
#pragma once

#include <sys/types.h>

#include "common/base/descriptor.hpp"
#include "server/app/inherited_sockets.hpp"
#include "server/app/listeners.hpp"
#include "server/app/outcome.hpp"
#include "server/app/service_manager.hpp"
#include "server/app/upgrade/program.hpp"

namespace fairlead {

struct Started {
  pid_t pid;
  Descriptor channel;  // our end
};

// Throws std::system_error where there is no descriptor for it.
Outcome<Started> start_successor(const Program& program, const ServiceManagerContact& contact,
                                 const OpenedListeners& listeners);

// How a listening socket is described to it; none: somebody else has opened it.
std::optional<OpenedByOlder> origin_of(const OpenedListener& listener);

}  // namespace fairlead
