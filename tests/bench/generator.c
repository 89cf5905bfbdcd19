// A closed-loop load generator: each connection sends a batch of messages, waits for all replies,
// checks every byte of them, and sends the next batch. One thread that never sleeps inside a
// window, so that the server's next work never waits for a wake-up across cores. It is the least
// that a load test can do, and `fairlead bench` is held against it.
//
// usage: generator [-p raw|line|len32|framed] [-c connections] [-d depth] [-s message bytes] [-w]
//                  PORT
// Connects all, makes one exchange on each, prints "ready"; then each line on stdin is a number of
// seconds, for which it loads the server and prints how many messages that were; holds the
// connections, idle between the lines, until stdin ends.
//   -w  waits for replies asleep, so that its processor time is that of its work
// A message of `line` counts with its LF; one of `len32` and `framed` without its header.
// Exit status: 0, 1 after a wrong byte or a lost connection, 2 for wrong usage.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  kEventsMax = 256,
  kHeaderBytesMax = 12,
  kBatchBytesMax = 64 * 1024,
  kLetters = 4096,
  // connect() finds a free port quickly for about 14,000 connections of one source address.
  kSources = 16,
  kPatience = 10,  // seconds without any reply
};

enum Protocol { kRaw, kLine, kLen32, kFramed };
enum Side { kRequest, kReply };

struct Load {
  enum Protocol protocol;
  bool sleeps;
  uint32_t connections;
  uint32_t depth;  // messages in a batch
  uint32_t size;   // bytes of a message
  uint16_t port;
};

struct Connection {
  int socket;
  uint32_t batches;   // completed
  uint32_t received;  // bytes of the batch under way
};

static struct Load load = {kRaw, false, 1, 1, 64, 0};
static struct Connection* connections;
static int epoll;
static char letters[kLetters + kBatchBytesMax];

__attribute__((format(printf, 2, 3), noreturn)) static void die(int status, const char* format,
                                                                ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "generator: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(status);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// ---- Messages

static void fill_letters(void) {
  uint32_t state = 1;
  for (size_t i = 0; i < sizeof letters; ++i) {
    state = state * 1664525 + 1013904223;
    letters[i] = (char)('a' + (state >> 24) % 26);
  }
}

static char* put_big_endian_32(char* out, uint32_t value) {
  const uint32_t ordered = htonl(value);
  memcpy(out, &ordered, sizeof ordered);
  return out + sizeof ordered;
}

static char* put_header(char* out, uint32_t request_id, enum Side side) {
  if (load.protocol != kLen32 && load.protocol != kFramed) return out;
  out = put_big_endian_32(out, load.size);
  if (load.protocol == kLen32) return out;
  const uint32_t type = side == kRequest ? 0x05 : 0x06;
  out = put_big_endian_32(out, type << 24);  // flags 0, channel 0
  return put_big_endian_32(out, request_id);
}

// Every message of every connection is another one, so that a reply that is lost, doubled, late or
// somebody else's is found.
static char* put_message(char* out, uint32_t connection, uint32_t number, enum Side side) {
  out = put_header(out, number + 1, side);
  memcpy(out, letters + (connection * 31 + number * 17) % kLetters, load.size);
  out += load.size;
  if (load.protocol == kLine) out[-1] = '\n';
  return out;
}

static size_t put_batch(char* batch, uint32_t connection, uint32_t batch_number, enum Side side) {
  char* end = batch;
  for (uint32_t i = 0; i < load.depth; ++i) {
    end = put_message(end, connection, batch_number * load.depth + i, side);
  }
  return (size_t)(end - batch);
}

static void send_batch(uint32_t index) {
  char batch[kBatchBytesMax];
  const size_t size = put_batch(batch, index, connections[index].batches, kRequest);
  const ssize_t sent = send(connections[index].socket, batch, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != (ssize_t)size) die(1, "connection %u: send: %s", index, strerror(errno));
}

// True when the batch is complete.
static bool receive_replies(uint32_t index) {
  struct Connection* connection = &connections[index];
  char received[kBatchBytesMax];
  char expected[kBatchBytesMax];
  const ssize_t size = recv(connection->socket, received, sizeof received, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return false;
  if (size < 0) die(1, "connection %u: recv: %s", index, strerror(errno));
  if (size == 0) die(1, "connection %u: closed by the server", index);

  const size_t expected_size = put_batch(expected, index, connection->batches, kReply);
  if (connection->received + (size_t)size > expected_size ||
      memcmp(received, expected + connection->received, (size_t)size) != 0) {
    die(1, "connection %u, batch %u: not the reply that was expected", index, connection->batches);
  }
  connection->received += (uint32_t)size;
  if (connection->received < expected_size) return false;
  connection->received = 0;
  ++connection->batches;
  return true;
}

// ---- Connections

static void receive_exactly(int socket, char* into, size_t size) {
  const ssize_t received = recv(socket, into, size, MSG_WAITALL);
  if (received != (ssize_t)size) die(1, "opening: the server's first bytes are missing");
}

static void open_framed(int socket) {
  static const char kPreface[8] = {(char)0xff, 'F', 'L', 'D', 1, 0, 0, 0};
  char first[sizeof kPreface + kHeaderBytesMax];
  if (send(socket, kPreface, sizeof kPreface, MSG_NOSIGNAL) != sizeof kPreface)
    die(1, "opening: send: %s", strerror(errno));
  receive_exactly(socket, first, sizeof first);
  if (memcmp(first, kPreface, sizeof kPreface) != 0) die(1, "opening: not the preface");
  const char* header = first + sizeof kPreface;
  uint32_t length;
  memcpy(&length, header, sizeof length);
  length = ntohl(length);
  char hello[4096];
  if (header[4] != 0x01 || length > sizeof hello) die(1, "opening: not a HELLO");
  receive_exactly(socket, hello, length);
}

static void open_connection(uint32_t index) {
  struct Connection* connection = &connections[index];
  static uint32_t opened;
  const int on = 1;
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) die(1, "socket: %s", strerror(errno));
  struct sockaddr_in source = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + opened++ % kSources)};
  struct sockaddr_in server = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons(load.port)};
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(descriptor, (struct sockaddr*)&source, sizeof source) != 0)
    die(1, "bind: %s", strerror(errno));
  if (connect(descriptor, (struct sockaddr*)&server, sizeof server) != 0)
    die(1, "connect: %s", strerror(errno));
  *connection = (struct Connection){.socket = descriptor, .batches = connection->batches};
  if (load.protocol == kFramed) open_framed(descriptor);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
    die(1, "epoll_ctl: %s", strerror(errno));
}

// ---- A window

// Returns how many batches were answered. Ends when `seconds` have passed and nothing is under way,
// so that every request that was sent is also counted.
static uint64_t run_window(double seconds) {
  const double end = now() + seconds;
  uint64_t done = 0;
  for (uint32_t i = 0; i < load.connections; ++i) send_batch(i);
  for (uint32_t busy = load.connections; busy > 0;) {
    struct epoll_event events[kEventsMax];
    const int count = epoll_wait(epoll, events, kEventsMax, load.sleeps ? 1000 * kPatience : 0);
    const double time = now();
    if (time > end + kPatience) die(1, "%u connections wait for replies in vain", busy);
    for (int i = 0; i < count; ++i) {
      const uint32_t index = events[i].data.u32;
      if (!receive_replies(index)) continue;
      ++done;
      if (time < end) {
        send_batch(index);
      } else {
        --busy;
      }
    }
  }
  return done;
}

static void converse(void) {
  for (uint32_t i = 0; i < load.connections; ++i) open_connection(i);
  run_window(0);
  printf("ready\n");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    printf("%llu\n", (unsigned long long)run_window(atof(line)) * load.depth);
    fflush(stdout);
  }
}

// ---- Usage

__attribute__((noreturn)) static void refuse(const char* what) {
  die(2,
      "%s; usage: generator [-p raw|line|len32|framed] [-c connections] [-d depth] "
      "[-s message bytes] [-w] PORT",
      what);
}

static enum Protocol protocol_named(const char* name) {
  static const char* const kNames[] = {"raw", "line", "len32", "framed"};
  for (int i = 0; i < 4; ++i) {
    if (strcmp(name, kNames[i]) == 0) return (enum Protocol)i;
  }
  refuse("no such protocol");
}

static void read_arguments(int count, char** arguments) {
  for (int option; (option = getopt(count, arguments, "p:c:d:s:w")) != -1;) {
    switch (option) {
      case 'p':
        load.protocol = protocol_named(optarg);
        break;
      case 'c':
        load.connections = (uint32_t)atoi(optarg);
        break;
      case 'd':
        load.depth = (uint32_t)atoi(optarg);
        break;
      case 's':
        load.size = (uint32_t)atoi(optarg);
        break;
      case 'w':
        load.sleeps = true;
        break;
      default:
        refuse("unknown option");
    }
  }
  if (optind + 1 != count) refuse("one port");
  load.port = (uint16_t)atoi(arguments[optind]);
  const uint64_t message = (uint64_t)load.size + kHeaderBytesMax;
  if (load.connections == 0 || load.size == 0 || load.depth == 0 ||
      load.depth * message > kBatchBytesMax) {
    refuse("a number is out of range");
  }
}

int main(int count, char** arguments) {
  read_arguments(count, arguments);
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  fill_letters();
  connections = calloc(load.connections, sizeof *connections);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (connections == NULL || epoll < 0) die(1, "cannot begin: %s", strerror(errno));
  converse();
  return 0;
}
