// Threads beside the one that takes the signals.
#pragma once

#include <functional>
#include <thread>

namespace fairlead {

// Starts a thread on which no signal handler runs, for those signals that come from outside. They
// are blocked before it begins: one that blocked them itself could be met by a storm of signals
// first, for as long as that lasts. May throw std::system_error, as std::thread does.
std::thread start_background_thread(std::function<void()> work);

// The same for the calling thread, from now on.
void block_signals() noexcept;

}  // namespace fairlead
