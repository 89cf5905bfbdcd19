// The floor for downloads: the least that a file server can do. One thread, one epoll; whatever
// arrives is a request for the one file there is, and sendfile(2) brings it as the connection takes
// it.
//
// usage: file_floor FILE    (prints the port it has chosen on 127.0.0.1, then serves until killed)
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor_listener.h"

enum { kEventsMax = 256, kDescriptorsMax = 4096, kPieceBytes = 2 * 1024 * 1024 };

static off_t sent[kDescriptorsMax];  // by connection; -1: it has not asked yet

static void watch(int epoll, int change, int descriptor, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  if (epoll_ctl(epoll, change, descriptor, &event) != 0) die("epoll_ctl");
}

static void accept_waiting(int epoll, int listener) {
  for (;;) {
    const int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return;
    if (connection >= kDescriptorsMax) die("too many connections");
    sent[connection] = -1;
    watch(epoll, EPOLL_CTL_ADD, connection, EPOLLIN);
  }
}

// One piece, so that all have their turn.
static void serve(int epoll, int connection, int file, off_t size) {
  char request[4096];
  if (sent[connection] < 0) {
    if (recv(connection, request, sizeof request, 0) > 0) {
      sent[connection] = 0;
      watch(epoll, EPOLL_CTL_MOD, connection, EPOLLOUT);
    } else {
      close(connection);
      return;
    }
  }
  const ssize_t taken = sendfile(connection, file, &sent[connection], kPieceBytes);
  if ((taken < 0 && errno != EAGAIN) || sent[connection] == size) close(connection);
}

int main(int count, char** arguments) {
  const int file = count == 2 ? open(arguments[1], O_RDONLY | O_CLOEXEC) : -1;
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) die("usage: file_floor FILE");
  const int listener = open_listener(kEventsMax);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
  for (;;) {
    struct epoll_event events[kEventsMax];
    const int ready = epoll_wait(epoll, events, kEventsMax, -1);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd == listener) {
        accept_waiting(epoll, listener);
      } else {
        serve(epoll, events[i].data.fd, file, status.st_size);
      }
    }
  }
}
