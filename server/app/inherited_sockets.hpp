// Listening sockets that whoever has started the daemon holds: systemd, any program that keeps to
// sd_listen_fds(3), or the older process of an upgrade.
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

// What the older process of an upgrade says of a socket that it has opened by itself: to a reload
// it is then our own.
struct OpenedByOlder {
  Endpoint written;  // the address as its configuration has it
  // Of a unix socket's path; 0: it is none of ours.
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const OpenedByOlder&) const = default;
};

struct InheritedSocket {
  Descriptor descriptor;            // not passed on to children, and non-blocking
  std::string name;                 // of $LISTEN_FDNAMES; empty: none
  std::optional<Endpoint> address;  // none: this is no listening TCP or unix socket
  bool is_lent = false;             // an older process accepts from it until it has handed over
  std::optional<OpenedByOlder> older = {};  // none: somebody else has opened it, and keeps it
};
using InheritedSockets = std::vector<InheritedSocket>;

// Takes those that are meant for this process, and their variables out of the environment. Before
// the first thread begins. A failure: the variables contradict each other or the descriptors.
Outcome<InheritedSockets> take_inherited_sockets();

// The variables of the protocol, and what an upgrade adds. Missing ones are empty.
struct ListenVariables {
  std::string pid = {}, descriptors = {}, names = {};
  std::string origins = {};  // origins_text()
};
inline constexpr const char* kListenPid = "LISTEN_PID";
inline constexpr const char* kListenDescriptors = "LISTEN_FDS";
inline constexpr const char* kListenNames = "LISTEN_FDNAMES";
inline constexpr const char* kListenOrigins = "FAIRLEAD_UPGRADE_SOCKETS";

// A line for each socket: the device, the inode and the address, as in OpenedByOlder; "-": none.
std::string origins_text(const std::vector<std::optional<OpenedByOlder>>& origins);
// Nothing: it is no such text.
std::optional<std::vector<std::optional<OpenedByOlder>>> read_origins(const std::string& text);

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
