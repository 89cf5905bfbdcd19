// What both floors (floor.c, file_floor.c) begin with.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void die(const char* what) {
  perror(what);
  exit(1);
}

// Listens at a port of 127.0.0.1 that the kernel chooses, and prints it. With TCP_NODELAY on the
// listening socket every accepted one has it, as fairleadd's have.
static int open_listener(int backlog) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  const int on = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr*)&address, size) != 0) die("bind");
  if (listen(listener, backlog) != 0) die("listen");
  if (getsockname(listener, (struct sockaddr*)&address, &size) != 0) die("getsockname");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}
