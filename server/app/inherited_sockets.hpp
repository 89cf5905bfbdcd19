// Listening sockets that whoever has started the daemon holds: systemd, or any program that keeps
// to sd_listen_fds(3).
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/descriptor.hpp"
#include "common/net/endpoint.hpp"
#include "server/app/outcome.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

struct InheritedSocket {
  Descriptor descriptor;            // not passed on to children, and non-blocking
  std::string name;                 // of $LISTEN_FDNAMES; empty: none
  std::optional<Endpoint> address;  // none: this is no listening TCP or unix socket
};
using InheritedSockets = std::vector<InheritedSocket>;

// Takes those that are meant for this process, and their variables out of the environment. Before
// the first thread begins. A failure: the variables contradict each other or the descriptors.
Outcome<InheritedSockets> take_inherited_sockets();

// The variables of the protocol. Missing ones are empty.
struct ListenVariables {
  std::string pid = {}, descriptors = {}, names = {};
};

// The names of the descriptors from 3 on; none: they are not for this process. Pure.
Outcome<std::vector<std::string>> inherited_names(const ListenVariables& variables, pid_t own);

// The numeric addresses of one that is written, as addresses_of().
using Resolve = std::function<std::vector<Endpoint>(const Endpoint&)>;

// Which sockets serve which listener, and what is left to be opened. Pure but for `resolve`.
struct InheritancePlan {
  std::vector<const ListenerSettings*> listener_of;  // for each socket; null: it serves none
  std::vector<std::vector<Endpoint>> to_open;        // for each listener
};

// A socket serves the listener whose name it has, or else the one that binds its address. It stands
// for that address in `bind`, or for an address with port 0; the others are left to be opened.
InheritancePlan plan_inheritance(const ServerSettings& settings, const InheritedSockets& sockets,
                                 const Resolve& resolve);

}  // namespace fairlead
