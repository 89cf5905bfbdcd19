// Threads that run no signal handler.
#pragma once

#include <functional>
#include <thread>

namespace fairlead {

// Starts a thread with all signals from outside blocked. They are blocked before it begins, so that
// it never runs a handler. May throw std::system_error, as std::thread does.
std::thread start_background_thread(std::function<void()> work);

// Blocks the same signals for the calling thread.
void block_signals() noexcept;

}  // namespace fairlead
