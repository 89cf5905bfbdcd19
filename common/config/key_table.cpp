#include "common/config/key_table.hpp"

#include <algorithm>
#include <array>

namespace fairlead {
namespace {

using enum KeyType;
constexpr auto L = Reload::live;
constexpr auto N = Reload::new_connections;
constexpr auto R = Reload::restart;

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;
constexpr std::uint64_t kSecond = 1000, kDay = 24 * 3600 * kSecond, kYear = 365 * kDay;
constexpr std::uint64_t kMany = 1'000'000'000;     // the bound where no other is known
constexpr std::uint64_t kPath = 4095;              // PATH_MAX without its NUL
constexpr std::uint64_t kMessage = 16 * kMiB - 1;  // a len32 length begins with the byte 00
constexpr std::uint64_t kSocketBuffer = kGiB;      // setsockopt takes an int; the kernel doubles it

constexpr std::array kSections{
    SectionKind{"server", "The daemon as a whole."},
    SectionKind{"limits", "What clients may use before they are refused, paused or closed."},
    SectionKind{"timeouts",
                "How long the daemon waits. 0 means for ever, unless a key says otherwise."},
    SectionKind{"socket", "Options of the TCP sockets."},
    SectionKind{"log", "What is logged, and where."},
    SectionKind{"access",
                "Who may connect: the longest matching prefix decides, `deny` on a tie; no match "
                "means yes."},
    SectionKind{"listener.*",
                "Addresses to listen at, and what is spoken there. Any number of them."},
    SectionKind{"service.*",
                "What is done for the clients. Any number of them; listeners name them."},
};

// clang-format off
constexpr Key kKeys[] = {
// section      key                 type       unit              default       min      max            words                            help
{"server",     "name",             text,      "",               "fairlead",   1,       64,            "",                           N, "What the daemon calls itself to framed clients."},
{"server",     "threads",          count,     "threads",        "auto",       1,       1024,          "auto",                       R, "How many event loops run, each in a thread of its own. auto: one per core that the affinity and the CPU quota of the control group allow."},
{"server",     "accept",           choice,    "",               "shared",     0,       0,             "shared|reuseport",           R, "shared: one listening socket hands its connections to the loops in turn. reuseport: each loop has one of its own, and the kernel distributes."},
{"server",     "upgrade",          choice,    "",               "sessions",   0,       0,             "sessions|listeners",         L, "At USR2: what goes to the new process. sessions: the listening sockets and the clients. listeners: the sockets alone."},
{"server",     "run_dir",          path,      "",               "",           0,       kPath,         "",                           R, "A folder where the file `ports` names the addresses really listened at. Empty: none is written."},

{"limits",     "max_connections",  count,     "connections",    "auto",       1,       kMany,         "auto",                       L, "Connections at a time; more are refused as server_full. auto: what the limit on descriptors allows."},
{"limits",     "max_per_ip",       count,     "connections",    "0",          0,       kMany,         "",                           L, "Connections at a time from one address; more are refused as ip_limit. 0: no limit."},
{"limits",     "ip_prefix_v4",     count,     "bits",           "32",         1,       32,            "",                           N, "How much of an IPv4 address counts as one address."},
{"limits",     "ip_prefix_v6",     count,     "bits",           "64",         1,       128,           "",                           N, "How much of an IPv6 address counts as one address."},
{"limits",     "accept_rate",      rate,      "connections/s",  "0",          0,       kMany,         "",                           L, "New connections per second; more are refused as rate_limited. 0: no limit."},
{"limits",     "accept_rate_per_ip", rate,    "connections/s",  "0",          0,       kMany,         "",                           L, "The same for one address. 0: no limit."},
{"limits",     "early_drop",       count,     "percent",        "0",          0,       100,           "",                           L, "From this percentage of max_connections on, new connections are refused at random, the more the fuller it is. 0: off."},
{"limits",     "max_message",      size,      "bytes",          "1MiB",       1,       kMessage,      "",                           N, "The longest message a client may send; a longer one closes it as message_too_big."},
{"limits",     "queue_soft",       size,      "bytes",          "256KiB",     1,       kTiB,          "",                           L, "Above this much waiting to be sent to a client, it is not read from until half as much is left."},
{"limits",     "max_buffer_memory", size,     "bytes",          "256MiB",     kMiB,    kTiB,          "",                           L, "What may wait to be sent to all clients together, with what they have sent behind it. Each thread has an equal part; above it, its clients with the most waiting are reset as slow_consumer."},
{"limits",     "requests_per_turn", count,    "messages",       "64",         1,       1'000'000,     "",                           L, "How many messages of one client are handled before the others have their turn."},

{"timeouts",   "idle",             duration,  "",               "10m",        0,       kYear,         "",                           L, "Without a byte in either direction for this long, a client is closed as idle_timeout."},
{"timeouts",   "first_byte",       duration,  "",               "0",          0,       kYear,         "",                           L, "How long a new client may take to send its first byte."},
{"timeouts",   "message",          duration,  "",               "30s",        0,       kYear,         "",                           L, "How long a message may take from its first byte to its last, in all."},
{"timeouts",   "write",            duration,  "",               "30s",        0,       kYear,         "",                           L, "How long a client may take no byte of what waits for it."},
{"timeouts",   "linger",           duration,  "",               "2s",         0,       60 * kSecond,  "",                           L, "After its last byte the daemon reads and drops until the client ends too, or is silent for this long. 0: no wait."},
{"timeouts",   "drain",            duration,  "",               "10s",        0,       kDay,          "",                           L, "At TERM: how long the connected clients are still served. 0: not at all."},
{"timeouts",   "lame_duck",        duration,  "",               "2m",         0,       kDay,          "",                           L, "At QUIT: over how long the goodbyes are spread. 0: all at once."},
{"timeouts",   "upgrade",          duration,  "",               "10s",        100,     kDay,          "",                           L, "At USR2: how long the new process may take to become ready, and for each answer behind that, before it has failed."},
{"timeouts",   "upgrade_drain",    duration,  "",               "1h",         0,       30 * kDay,     "",                           L, "Behind an upgrade: how long the old process serves the clients that could not go. 0: not at all."},

{"socket",     "backlog",          count,     "connections",    "4096",       1,       1'000'000,     "",                           R, "Connections that the kernel keeps until they are accepted; net.core.somaxconn bounds it."},
{"socket",     "reuse_address",    flag,      "",               "yes",        0,       0,             "",                           R, "Lets a restarted daemon listen again at once, while old connections are still in TIME_WAIT."},
{"socket",     "nodelay",          flag,      "",               "yes",        0,       0,             "",                           N, "Sends small replies without waiting to fill a packet."},
{"socket",     "keepalive",        duration,  "",               "60s",        0,       32767*kSecond, "",                           N, "After this silence the kernel asks four times, 15 s apart, whether the peer still exists. In whole seconds; 0: off."},
{"socket",     "user_timeout",     duration,  "",               "auto",       0,       24 * kDay,     "auto",                       N, "How long sent bytes may stay unacknowledged until the peer has vanished. auto: timeouts.write and 30 s; 0: off."},
{"socket",     "notsent_lowat",    size,      "bytes",          "32KiB",      0,       kSocketBuffer, "",                           N, "How much the kernel holds per client before it has been sent; more for quick downloads. 0: as the kernel likes."},
{"socket",     "send_buffer",      size,      "bytes",          "0",          0,       kSocketBuffer, "",                           R, "SO_SNDBUF. 0: the kernel adapts it."},
{"socket",     "receive_buffer",   size,      "bytes",          "0",          0,       kSocketBuffer, "",                           R, "SO_RCVBUF. 0: the kernel adapts it."},

{"log",        "level",            choice,    "",               "info",       0,       0,             "debug|info|warn|error|off",  L, "The least important lines that are logged. debug: when a session begins, and when its protocol is known."},
{"log",        "format",           choice,    "",               "text",       0,       0,             "text|json",                  R, "How a line is written."},
{"log",        "file",             path,      "",               "",           0,       kPath,         "",                           L, "Where lines are appended; reopened at USR1. Empty: stderr. /dev/stdout and /dev/stderr are these descriptors."},
{"log",        "session_file",     path,      "",               "",           0,       kPath,         "",                           L, "Where the line per session goes, likewise. Empty: with the others."},
{"log",        "repeats",          count,     "lines",          "10",         0,       1'000'000,     "",                           R, "How often within 10 s a repeated warning is written, or the session line of a client refused for the same reason; the rest is counted and reported in one line. 0: always."},
{"log",        "empty_sessions",   flag,      "",               "yes",        0,       0,             "",                           L, "Whether sessions are logged in which the client sends nothing before it leaves, as health checks do. They are counted in any case."},
{"log",        "peer",             choice,    "",               "full",       0,       0,             "full|prefix",                L, "How much of a client's address is told, in the log and in transcripts. prefix: the first 24 bits of an IPv4 address and the first 48 of an IPv6 address."},

{"access",     "allow",            blocks,    "",               "",           0,       10'000,        "",                           L, "Addresses and address blocks, such as 192.0.2.7, 10.0.0.0/8, 2001:db8::/32."},
{"access",     "deny",             blocks,    "",               "",           0,       10'000,        "",                           L, "The same; these are closed as denied. 0.0.0.0/0, ::/0 denies all that `allow` does not name."},

{"listener.*", "bind",             endpoints, "",               "127.0.0.1:7878, [::1]:7878", 1, 256, "",                           L, "Where to listen: host:port, [v6]:port, :port (every address), unix:/path. Port 0: the kernel chooses."},
{"listener.*", "protocol",         choice,    "",               "auto",       0,       0,             "auto|text|len32|framed",     N, "What clients speak. auto finds out from their first bytes."},
{"listener.*", "service",          name,      "",               "",           0,       0,             "",                           N, "The service that clients get, by the NAME of its section. May be empty only for framed clients."},
{"listener.*", "services",         names,     "",               "",           0,       64,            "",                           N, "The services that framed clients may open. Empty: only `service`."},
{"listener.*", "idle",             duration,  "",               "",           0,       kYear,         "",                           N, "Overrides timeouts.idle for this listener. Empty: no override; 0: no limit."},
{"listener.*", "greet_wait",       duration,  "",               "100ms",      1,       60 * kSecond,  "",                           N, "With protocol = auto: after this silence a client is taken for a text client, and greeted."},
{"listener.*", "max_connections",  count,     "connections",    "0",          0,       kMany,         "",                           N, "Connections of this listener at a time, beside limits.max_connections; more are refused as server_full. 0: no limit of its own."},
{"listener.*", "max_message",      size,      "bytes",          "0",          0,       kMessage,      "",                           N, "The longest message of its clients, where that is less than limits.max_message. 0: no limit of its own."},
{"listener.*", "allow",            blocks,    "",               "",           0,       10'000,        "",                           N, "As access.allow, for this listener alone. A client must be admitted by its lists and by those of [access]."},
{"listener.*", "deny",             blocks,    "",               "",           0,       10'000,        "",                           N, "As access.deny, for this listener alone."},
{"listener.*", "unix_mode",        mode,      "",               "0660",       0,       0777,          "",                           R, "The permissions of a unix socket."},

{"service.*",  "type",             name,      "",               "",           0,       0,             "",                           N, "What it does: echo returns each message, reply answers each with `text`, log prints them, discard drops them, greet only says its greeting, file sends files. Must be given."},
{"service.*",  "greeting",         text,      "",               "",           0,       64 * kKiB,     "",                           N, "Sent to each new client at once. Empty: nothing."},
{"service.*",  "decode",           choice,    "",               "auto",       0,       0,             "auto|utf-8|gbk|gb18030|latin1|binary", N, "What clients' bytes are read as. auto decides for each client."},
{"service.*",  "encode",           choice,    "",               "match",      0,       0,             "match|utf-8|gbk|gb18030|latin1|binary", N, "What clients are written to in. match: as they write themselves."},
{"service.*",  "encode_tie",       choice,    "",               "utf-8",      0,       0,             "utf-8|gbk|gb18030|latin1|binary", N, "With encode = match: what is used until the client has decided."},
{"service.*",  "boundary",         choice,    "",               "auto",       0,       0,             "line|chunk|auto",            N, "Where a text message ends: at a newline, with each delivery, or at a newline or a pause."},
{"service.*",  "chunk",            size,      "bytes",          "1024",       4,       kMessage,      "",                           N, "With boundary = chunk or auto: the longest message; what is longer becomes several."},
{"service.*",  "pause",            duration,  "",               "20ms",       1,       60 * kSecond,  "",                           N, "The silence that ends a message with boundary = auto, and the wait for the rest of a character."},
{"service.*",  "text",             message,   "",               "",           0,       64 * kKiB,     "",                           N, "(reply) The answer to each message."},
{"service.*",  "close_after",      count,     "messages",       "0",          0,       kMany,         "",                           N, "Ends a session after this many messages. 0: never."},
{"service.*",  "on_connect",       message,   "",               "",           0,       4 * kKiB,      "",                           N, "Printed on stdout for each new client. Empty: nothing is."},
{"service.*",  "on_message",       message,   "",               "",           0,       4 * kKiB,      "",                           N, "Printed on stdout for each message."},
{"service.*",  "on_close",         message,   "",               "",           0,       4 * kKiB,      "",                           N, "Printed on stdout when a client has gone."},
{"service.*",  "on_missing",       message,   "",               "",           0,       4 * kKiB,      "",                           N, "(file) Printed on stdout when a file is asked for that is not there."},
{"service.*",  "root",             path,      "",               "",           0,       kPath,         "",                           N, "(file) The folder whose files are served. Empty: nothing is."},
{"service.*",  "max_rate",         rate,      "bytes/s",        "0",          0,       1'000 * kMany, "",                           N, "(file) The speed of one download. 0: no limit."},
{"service.*",  "max_downloads",    count,     "downloads",      "256",        1,       kMany,         "",                           N, "(file) Downloads at a time; a further one is refused as server_full, or reset for a text client."},
{"service.*",  "symlinks",         flag,      "",               "no",         0,       0,             "",                           N, "(file) Whether symbolic links within the root are followed."},
{"service.*",  "hidden",           flag,      "",               "no",         0,       0,             "",                           N, "(file) Whether names that begin with a dot are served."},
};
// clang-format on

constexpr RemovedKey kRemovedKeys[] = {
    {"limits", "queue_hard", "no service pushes to clients; remove it"},
    {"limits", "queue_soft_for", "no service pushes to clients; remove it"},
    {"limits", "slow_policy", "no service pushes to clients; remove it"},
};

// "listener.*" matches "listener.main"; other names match themselves.
bool matches(std::string_view pattern, std::string_view section) {
  if (!pattern.ends_with(".*")) return pattern == section;
  const auto stem = pattern.substr(0, pattern.size() - 1);
  return section.starts_with(stem) && section.size() > stem.size();
}

// The row of `section` and `key` in a table, or null.
template <class Row, std::size_t N>
const Row* find_row(const Row (&rows)[N], std::string_view section, std::string_view key) {
  const auto* found = std::ranges::find_if(
      rows, [&](const Row& row) { return row.name == key && matches(row.section, section); });
  return found == std::end(rows) ? nullptr : found;
}

}  // namespace

std::span<const SectionKind> section_kinds() noexcept { return kSections; }
std::span<const Key> all_keys() noexcept { return kKeys; }
std::span<const RemovedKey> removed_keys() noexcept { return kRemovedKeys; }

std::vector<const Key*> keys_of(const SectionKind& kind) {
  std::vector<const Key*> result;
  for (const Key& key : kKeys)
    if (key.section == kind.name) result.push_back(&key);
  return result;
}

const SectionKind* find_section_kind(std::string_view section) noexcept {
  const auto* found = std::ranges::find_if(
      kSections, [&](const SectionKind& kind) { return matches(kind.name, section); });
  return found == kSections.end() ? nullptr : found;
}

const Key* find_key(std::string_view section, std::string_view key) noexcept {
  return find_row(kKeys, section, key);
}

std::string_view service_type_of(const Key& key) noexcept {
  if (!key.help.starts_with('(')) return {};
  return key.help.substr(1, key.help.find(')') - 1);
}

const RemovedKey* find_removed_key(std::string_view section, std::string_view key) noexcept {
  return find_row(kRemovedKeys, section, key);
}

}  // namespace fairlead
