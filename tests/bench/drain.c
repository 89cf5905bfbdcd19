// Downloads, and throws away what comes without looking at it, so that the server is what is
// measured.
//
// usage: drain PORT CONNECTIONS BYTES REQUEST    (REQUEST in hexadecimal)
//
// For each line on stdin: connects so many times to 127.0.0.1, sends the request on each, reads on
// each until the end or BYTES, closes all, and prints how many bytes came.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kConnectionsMax = 1024, kRequestBytesMax = 1024, kReadBytes = 1024 * 1024 };

static char request[kRequestBytesMax];
static size_t request_bytes;
static long long left[kConnectionsMax];
static int descriptors[kConnectionsMax];

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void read_request(const char* digits) {
  for (; digits[0] != '\0' && digits[1] != '\0' && request_bytes < kRequestBytesMax; digits += 2) {
    unsigned byte = 0;
    if (sscanf(digits, "%2x", &byte) != 1) die("the request is not hexadecimal");
    request[request_bytes++] = (char)byte;
  }
}

static int connect_to(int port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (descriptor < 0) die("socket");
  if (connect(descriptor, (struct sockaddr*)&address, sizeof address) != 0) die("connect");
  if (send(descriptor, request, request_bytes, 0) != (ssize_t)request_bytes) die("send");
  return descriptor;
}

// tcp(7): MSG_TRUNC "causes the received bytes of data to be discarded".
static long long drain(int port, int connections, long long bytes) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  for (int i = 0; i < connections; ++i) {
    descriptors[i] = connect_to(port);
    left[i] = bytes;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptors[i], &event) != 0) die("epoll_ctl");
  }
  long long came = 0;
  for (int open = connections; open > 0;) {
    struct epoll_event events[64];
    const int ready = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      const unsigned number = events[i].data.u32;
      const ssize_t size = recv(descriptors[number], NULL, kReadBytes, MSG_TRUNC | MSG_DONTWAIT);
      if (size > 0) {
        came += size;
        left[number] -= size;
      }
      if (size <= 0 || left[number] <= 0) {
        close(descriptors[number]);
        --open;
      }
    }
  }
  close(epoll);
  return came;
}

int main(int count, char** arguments) {
  if (count != 5) die("usage: drain PORT CONNECTIONS BYTES REQUEST");
  const int connections = atoi(arguments[2]);
  if (connections < 1 || connections > kConnectionsMax) die("1 to 1024 connections");
  read_request(arguments[4]);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    printf("%lld\n", drain(atoi(arguments[1]), connections, atoll(arguments[3])));
    fflush(stdout);
  }
}
