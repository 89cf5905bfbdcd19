// Which threads take signals: the main one, whatever the process has inherited, and no other.
#pragma once

#include <functional>
#include <thread>

namespace fairlead {

// Starts a thread with all signals from outside blocked. They are blocked before it begins, so that
// it never runs a handler. May throw std::system_error, as std::thread does.
std::thread start_background_thread(std::function<void()> work);

// Blocks the same signals for the calling thread.
void block_signals() noexcept;

// Unblocks all signals for the calling thread, the first one: a mask survives execve(2), and some
// parents leave theirs behind. First in main().
void take_signals_anew() noexcept;

}  // namespace fairlead
