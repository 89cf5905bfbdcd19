// The bounds of the protocols that no configuration moves, each with the reason for its value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead {

// len32 clients are told apart by a first byte of 00, so a length always fits in 24 bits.
inline constexpr std::uint32_t kMessageBytesCeiling = (1U << 24) - 1;

// A channel costs about 100 bytes; a client that needs more conversations opens a second
// connection.
inline constexpr std::size_t kChannelsMax = 64;

// Enough for a counter and a clock in a PING; small enough that a PONG never waits behind itself.
inline constexpr std::size_t kPingBytesMax = 32;

// A service name in OPEN; section names of the configuration are no longer.
inline constexpr std::size_t kServiceNameBytesMax = 64;

// A name of a file: PATH_MAX without its NUL, for no longer one can be opened.
inline constexpr std::size_t kFileNameBytesMax = 4095;

// One component of it: NAME_MAX.
inline constexpr std::size_t kFileComponentBytesMax = 255;

// What a client that takes frames of any size must be ready for in DATA; the server's own are
// shorter.
inline constexpr std::size_t kFileDataBytesMax = 256 * 1024;

// What the server makes them: what a client that does not read may keep of a download.
inline constexpr std::size_t kOfferedFrameBytes = 32 * 1024;

// A chunk with a hash of its own: short enough to be fetched again, long enough that its hash is
// nothing beside it.
inline constexpr std::uint32_t kFileChunkBytes = 1024 * 1024;

// A page of LISTING or HASHES fits in 32 KiB, but for one entry: no more waits for a client that
// does not read.
inline constexpr std::size_t kFilePageBytesMax = 32 * 1024;
inline constexpr std::size_t kFilePageEntriesMax = 1024;

// Requests of one connection whose answers are outstanding: enough to keep the disks busy; each may
// hold a name.
inline constexpr std::size_t kUnansweredMax = 16;

// One read of a busy connection: large enough that a pipelining client costs one system call for
// hundreds of messages, small enough to stay in a second-level cache.
inline constexpr std::size_t kReadBytesMax = 64 * 1024;

// The first read, and the first after a pause: what is read of a client that then has to wait lies
// in memory, and thousands may have to wait at once.
inline constexpr std::size_t kFirstReadBytesMax = 16 * 1024;

}  // namespace fairlead
