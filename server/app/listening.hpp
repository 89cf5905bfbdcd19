// Opens what the configuration says to listen at, all of it or nothing.
#pragma once

#include <vector>

#include "common/io/listening_socket.hpp"
#include "server/app/application.hpp"
#include "server/core/settings.hpp"

namespace fairlead {

// One listening socket and the listener section it belongs to.
struct OpenedListener {
  const ListenerSettings* settings = nullptr;
  ListeningSocket socket;
};

// What the settings say of the sockets of a listener.
ListeningOptions listening_options(const ServerSettings& settings,
                                   const ListenerSettings& listener);

struct OpenedListeners {
  std::vector<OpenedListener> listeners;
  Outcome outcome;  // a failure leaves no listener open
};

// With `copies` above 1 every TCP address is opened so many times, for as many loops (accept =
// reuseport).
OpenedListeners open_listeners(const ServerSettings& settings, std::uint32_t copies);

void close_listeners(const std::vector<OpenedListener>& listeners);

// Writes one line `LISTENER ADDRESS` for each listener to run_dir/ports, complete or not at all.
Outcome write_ports_file(const std::string& run_dir, const std::vector<OpenedListener>& listeners);

// Whether write_ports_file could do its work; leaves a ports file as it is.
Outcome check_ports_file(const std::string& run_dir);

}  // namespace fairlead
