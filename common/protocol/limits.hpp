// The bounds of the protocols that are not configured, each with the reason for its value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead {

// len32 clients are told apart by a first byte of 00, so a length always fits in 24 bits.
inline constexpr std::uint32_t kMessageBytesCeiling = (1U << 24) - 1;

// A channel costs about 100 bytes; a client that needs more conversations opens a second
// connection.
inline constexpr std::size_t kChannelsMax = 64;

// Enough for a counter and a clock in a PING; so small that PONGs never fill a queue.
inline constexpr std::size_t kPingBytesMax = 32;

// A service name in OPEN; section names of the configuration are no longer.
inline constexpr std::size_t kServiceNameBytesMax = 64;

// The name of a file: PATH_MAX without its NUL, the longest that can be opened.
inline constexpr std::size_t kFileNameBytesMax = 4095;

// A component of such a name: NAME_MAX.
inline constexpr std::size_t kFileComponentBytesMax = 255;

// The longest payload of DATA for which a client must be ready; the server sends shorter ones.
inline constexpr std::size_t kFileDataBytesMax = 256 * 1024;

// The payload of DATA that the server sends: a client that does not read keeps one of a download.
inline constexpr std::size_t kOfferedFrameBytes = 32 * 1024;

// A chunk has its own hash: short enough to be fetched again, long enough that its hash costs
// nothing in comparison.
inline constexpr std::uint32_t kFileChunkBytes = 1024 * 1024;

// A page of LISTING or HASHES is at most 32 KiB and one entry: no more waits for a client that does
// not read.
inline constexpr std::size_t kFilePageBytesMax = 32 * 1024;
inline constexpr std::size_t kFilePageEntriesMax = 1024;

// Unanswered requests of one connection: enough to keep the disks busy. Each may hold a name.
inline constexpr std::size_t kUnansweredMax = 16;

// One read of a busy connection: hundreds of pipelined messages in one system call, and still in a
// second-level cache.
inline constexpr std::size_t kReadBytesMax = 64 * 1024;

// The first read, and the first one after a pause: what is read of a client that then must wait
// stays in memory, and thousands may wait at once.
inline constexpr std::size_t kFirstReadBytesMax = 16 * 1024;

}  // namespace fairlead
