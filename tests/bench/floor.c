// The floor: the least that an echo server can do. One thread, one epoll, level-triggered: receive,
// send back, no timer, no limit, no buffer of a connection's own. What fairleadd costs is told as a
// ratio to this.
//
// usage: floor    (prints the port it has chosen on 127.0.0.1, then serves until it is killed)
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor_listener.h"

enum { kBacklog = 4096, kEventsMax = 256 };

static char buffer[64 * 1024];

// Every connection is a descriptor.
static void raise_descriptor_limit(void) {
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

static void watch(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
}

static void accept_waiting(int epoll, int listener) {
  for (;;) {
    const int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    watch(epoll, connection);
  }
}

// What the kernel does not take is lost, and the generator, which checks every byte, says so: it
// never has more in flight than a socket holds.
static void echo(int connection) {
  const ssize_t received = recv(connection, buffer, sizeof buffer, 0);
  if (received > 0 && send(connection, buffer, (size_t)received, MSG_NOSIGNAL) == received) return;
  close(connection);
}

int main(void) {
  raise_descriptor_limit();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  const int listener = open_listener(kBacklog);
  watch(epoll, listener);
  for (;;) {
    struct epoll_event events[kEventsMax];
    const int count = epoll_wait(epoll, events, kEventsMax, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener) {
        accept_waiting(epoll, listener);
      } else {
        echo(events[i].data.fd);
      }
    }
  }
}
