#!/usr/bin/env python3
"""The tour of ./run.sh: plain sockets, as anybody's program would use them, against the daemon of config/tour.conf.

usage: tour.py [PORT_OF_MAIN PORT_OF_HELLO]
"""

import contextlib
import resource
import selectors
import socket
import sys
import time

MAIN_PORT, HELLO_PORT = map(int, sys.argv[1:] or (7878, 7788))
ECHO = ("127.0.0.1", MAIN_PORT)
HELLO = ("127.0.0.1", HELLO_PORT)
CLIENTS = 1000


def receive(connection, size):
    """Exactly `size` bytes, or what came before the end."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def show(what, *lines):
    print(f"\n* {what}")
    for line in lines:
        print(f"    {line}")


def expect(got, wanted):
    if got != wanted:
        raise SystemExit(f"tour: expected {wanted!r}, got {got!r}")


def a_reply():
    with socket.create_connection(ECHO, timeout=5) as connection:
        connection.sendall(b"hello, fairlead\n")
        answer = receive(connection, 16)
    expect(answer, b"hello, fairlead\n")
    show("A plain socket says a line, and gets its reply", f"sent     {answer!r}", f"received {answer!r}")


def a_greeting():
    greeting = "成功连接服务器!".encode()
    with socket.create_connection(HELLO, timeout=5) as connection:
        answer = receive(connection, len(greeting))
    expect(answer, greeting)
    show("A service that speaks first", f"received {answer.decode()}")


def a_gbk_client():
    greeting = "成功连接服务器!".encode()
    reply = "好的,收到: 你好".encode("gbk")
    with socket.create_connection(HELLO, timeout=5) as connection:
        receive(connection, len(greeting))
        connection.sendall("你好".encode("gbk"))
        answer = receive(connection, len(reply))
    expect(answer, reply)
    show("A client that speaks GBK is answered in GBK", f"sent     {'你好'.encode('gbk').hex(' ')}",
         f"received {answer.hex(' ')}", f"which is {answer.decode('gbk')}")


def a_thousand_clients():
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(ECHO, timeout=5)) for _ in range(CLIENTS)]
        waiting = selectors.DefaultSelector()
        for number, client in enumerate(clients):
            client.sendall(f"client {number}\n".encode())
            waiting.register(client, selectors.EVENT_READ, number)
        answered = 0
        while answered < CLIENTS:
            for key, _ in waiting.select(timeout=10):
                wanted = f"client {key.data}\n".encode()
                expect(receive(key.fileobj, len(wanted)), wanted)
                waiting.unregister(key.fileobj)
                answered += 1
    show("A thousand clients at once", f"{answered} connected, {answered} right answers, "
         f"{time.monotonic() - began:.1f} s")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, CLIENTS + 100)), hard))
    a_reply()
    a_greeting()
    a_gbk_client()
    a_thousand_clients()
    print(f"\nNow you: nc 127.0.0.1 {MAIN_PORT}, type a line.")


if __name__ == "__main__":
    main()
