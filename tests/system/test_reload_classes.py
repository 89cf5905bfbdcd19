"""The class of every key, as `fairleadd -T` prints it, is the truth: each key is changed by a reload under a live connection. L: those
who are connected have the new value; N: they keep theirs, and who comes has the new one; R: nobody has it before a restart."""
import contextlib
import ctypes
import dataclasses
import functools
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import typing
import unittest

from support.daemon import Daemon, binary, connect
from support.peers import OPENED, Framed, receive_exactly, receive_until_end
from support.runner import main
from support.waiting import DEADLINE, wait_for

# In configurations and values, @ is the test's folder.
ONE_LOOP = "\n[server]\nthreads = 1\n"  # so that what is done in order is told in order
TEXT = """
[listener.main]
bind = 127.0.0.1:0
protocol = text
service = main
[service.main]
"""
ANY = TEXT.replace("protocol = text", "")
LINES = TEXT + "type = echo\nboundary = line\n"
ANSWER = ANY + "boundary = line\ntype = reply\n"  # with a text
REPEAT = ANSWER + "text = <{text}>\n"
FILES = TEXT + "boundary = line\ntype = file\n"
# For a client that asks 400 times and takes nothing: far more than kernels hold.
MANY = 400
AT_ONCE = "\n[timeouts]\nlinger = 0\n"  # a client that the daemon ends has its line then
LARGE = TEXT + f"boundary = line\ntype = reply\ntext = {'x' * 60000}\n[limits]\nqueue_soft = 64MiB\n"
OTHER = "\n[service.other]\ntype = reply\nboundary = line\ntext = other\n"


@dataclasses.dataclass(frozen=True)
class Case:
    """A key that is changed from `before` (None: not set) to `after`. Either show(test, client) is what a connection shows under the
    old value and the new one; `old` is None where that would take as long as the old value is. `begin` is done to a connection first:
    before the reload to one that was there. Or check(test) does all, and calls test.change(); then `kind` is the class that it proves."""
    key: str
    before: typing.Optional[str]
    after: str
    show: typing.Optional[typing.Callable] = None
    old: object = None
    new: object = None
    begin: typing.Callable = lambda test, client: None
    check: typing.Optional[typing.Callable] = None
    kind: str = ""
    config: str = LINES
    source: str = "127.0.0.1"


def setting(key, value):
    section, _, name = key.rpartition(".")
    return "" if value is None else f"\n[{section}]\n{name} = {value}\n"


# ---- What a connection shows

def line_of(client):
    received = b""
    while not received.endswith(b"\n"):
        received += receive_exactly(client, 1)
    return received


def ask(question, size):
    """What it is answered, so many bytes of it."""
    def show(_, client):
        client.sendall(question)
        return receive_exactly(client, size)
    return show


def ask_to_the_end(question):
    """All that it is answered when it says that and ends."""
    def show(_, client):
        client.sendall(question)
        with contextlib.suppress(OSError):  # it may have been ended first
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            return receive_until_end(client)
        return b""
    return show


def reason(test, client):
    return test.daemon.session_of(client.getsockname())["reason"]


def reason_behind(question):
    def show(test, client):
        client.sendall(question)
        with contextlib.suppress(OSError):  # it may have been ended first
            client.shutdown(socket.SHUT_WR)
        return reason(test, client)
    return show


def printed(test, client):
    """The line on stdout that ends with its port, once it has come and gone."""
    port = str(client.getsockname()[1])
    client.sendall(b"x\n")
    with contextlib.suppress(OSError):  # a file that is missing ends it
        client.shutdown(socket.SHUT_WR)
        receive_until_end(client)
    return wait_for(lambda: [line.split()[0] for line in test.daemon.stdout_lines() if line.endswith(" " + port)], "its line")[0]


def send_much(_, client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"x\n" * MANY)


def wait_for_much(test, client):
    """All of it waits in the daemon, unless it is ended for that."""
    send_much(test, client)
    test.daemon.wait_for_counters(lambda now: now["messages_in"] >= MANY or now["open"] == 0, "all to be there")


def are_all_handled(test, client):
    """When the time-out has ended it."""
    send_much(test, client)
    return test.daemon.session_of(client.getsockname())["messages_in"] == MANY


def leave_by_close_after(_, client):
    client.sendall(b"x\n")
    receive_until_end(client)


def lingers_shortly(test, client):
    """The total is 30 s."""
    return test.daemon.session_of(client.getsockname())["ms"] < 20000


def told_in(test, client):
    """The file with its session line, and how it is written."""
    name = ":%d" % client.getsockname()[1]
    client.shutdown(socket.SHUT_WR)
    files = [test.folder / file for file in ("stderr", "elsewhere")]
    def found():
        for file in files:
            for line in file.read_text().splitlines() if file.exists() else ():
                if name in line and "session" in line:
                    return file.name, "json" if line.startswith("{") else "text"
        return None
    return wait_for(found, "the session's line")


def is_told(test, client):
    """Whether there is a session line of a client that says nothing."""
    name = client.getsockname()
    client.shutdown(socket.SHUT_WR)
    receive_until_end(client)
    test.sees_a_session()
    return any(event["peer"].endswith(":%d" % name[1]) for event in test.daemon.sessions())


def told_peer(test, client):
    """In its line, and in the transcript."""
    seen = len(test.daemon.sessions())
    port = str(client.getsockname()[1])
    client.sendall(port.encode() + b"\n")
    client.shutdown(socket.SHUT_WR)
    printed = wait_for(lambda: [line for line in test.daemon.stdout_lines() if line.startswith(port)], "its line")
    return test.daemon.sessions(seen + 1)[-1]["peer"].removesuffix(":" + port), printed[0].removeprefix(port + " ")


def is_debugged(test, client):
    """Whether the log has the moment at which its protocol was known."""
    seen = len(test.daemon.events("session_decided"))
    client.sendall(b"x\n")
    client.shutdown(socket.SHUT_WR)
    receive_until_end(client)
    test.daemon.session_of(client.getsockname())
    return len(test.daemon.events("session_decided")) > seen


def hello_name(_, client):
    return Framed(client).hello.name


def offered(_, client):
    framed = Framed(client)
    return framed.hello.services, framed.open(1, "other").type == OPENED


def greeting_of(_, client):
    client.sendall(b"x\n")
    return line_of(client)


# ---- What its socket shows

def option(level, name):
    def show(test, client):
        test.served(client)
        with test.other_end(lambda end: end.getpeername() == client.getsockname()) as end:
            return end.getsockopt(level, name)
    return show


def listening_option(read):
    def show(test, client):
        with test.other_end(lambda end: end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1) as end:
            return read(end)
    return show


def backlog(listening):
    """tcpi_sacked of tcp(7), which is that of a socket that listens."""
    return struct.unpack_from("I", listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 28)[0]


def listening_sockets(test, _):
    port = ":%04X" % test.daemon.address()[1]
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return len([row for row in rows if row[1].endswith(port) and row[3] == "0A"])


# ---- Checks that are no comparison of two

def refuses(why):
    """Who is in stays, and counts; the next one is refused, and once the value is the old one again, is not."""
    def check(test):
        inside = test.come()
        test.served(inside)
        test.assertEqual("served", test.visit())
        test.daemon.wait_for_counters(lambda now: now["open"] == 1, "the visitor to be gone")
        test.change()
        if why == "rate_limited":
            wait_for(lambda: test.visit() == why, "two within a second")
        else:
            test.assertEqual(why, test.visit())
        test.served(inside)
        test.reload(test.case.before)
        test.assertEqual("served", test.visit())
        test.served(inside)
    return check


def admits(test):
    """Who is in is no longer named, and stays; others are."""
    inside = test.come()
    test.served(inside)
    test.assertEqual("denied", test.visit("127.0.0.2"))
    test.change()
    test.assertEqual("served", test.visit("127.0.0.2"))
    test.assertEqual("denied", test.visit("127.0.0.1"))
    test.served(inside)


def drops_early(test):
    """With half of them in, who counts, one more is refused as often as not, and somebody is long before all are in."""
    inside = [test.come() for _ in range(50)]
    for client in inside:
        test.served(client)
    test.change()
    wait_for(lambda: test.visit() == "server_full", "a refusal")
    for client in inside:
        test.served(client)
    test.reload(test.case.before)
    test.assertEqual(["served"] * 20, [test.visit() for _ in range(20)])


def keeps_its_group(*sources):
    """One connection per group: who is in counts as the group that he came as, and the next two are of one group."""
    def check(test):
        first, second, third = sources
        listener = "six" if ":" in first else "main"
        inside = test.come(listener, first)
        test.served(inside)
        test.change()
        next_one = test.come(listener, second)
        test.served(next_one)
        test.assertEqual("ip_limit", test.visit(third, listener))
        test.served(inside)
    return check


def turns(test):
    """The order on stdout of what two say at once. The daemon is stopped meanwhile, so that both wait when it looks."""
    def alternate(clients, letters):
        for client in clients:
            test.served(client)
        test.daemon.freeze()
        for letter, client in zip(letters, clients):
            client.sendall((letter + "\n").encode() * 20)
        test.daemon.send_signal(signal.SIGCONT)
        def said():
            return "".join(line for line in test.daemon.stdout_lines() if line in letters)
        wait_for(lambda: len(said()) == 40, "what they said")
        for client in clients:
            receive_exactly(client, 40)
        return letters * 10 in said()
    there = [test.come(), test.come()]
    test.assertFalse(alternate(there, "ab"))
    test.change()
    test.assertTrue(alternate(there, "cd"))
    test.assertTrue(alternate([test.come(), test.come()], "ef"))


def stops(number):
    """Those from before and behind the reload are both ended by the daemon's stop, which would take days otherwise."""
    def check(test):
        clients = [test.come()]
        test.served(clients[0])
        test.change()
        clients.append(test.come())
        test.served(clients[1])
        test.daemon.send_signal(number)
        test.assertEqual(0, test.daemon.wait())
        test.assertEqual(["draining"] * 2, [session["reason"] for session in test.daemon.sessions()])
    return check


def upgrade(test):
    """What becomes of it. A new process that takes over is killed at the end."""
    test.daemon.send_signal(signal.SIGUSR2)
    began, = test.daemon.wait_for_events("upgrade_began")
    test.lives.callback(kill, began["pid"])
    return wait_for(lambda: test.daemon.events("upgraded") + test.daemon.events("upgrade_failed"), "the end of the upgrade")[0]


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def hands_over_no_sessions(test):
    inside = test.come()
    test.served(inside)
    test.change()
    told = upgrade(test)
    test.assertEqual(("upgraded", 0, 1), (told["event"], told.get("sessions_handed_over"), told.get("sessions_kept")))
    test.served(inside)
    inside.close()
    test.assertEqual(0, test.daemon.wait())


def is_drained_shortly(test):
    inside = test.come()
    test.served(inside)
    test.change()
    test.assertEqual("upgraded", upgrade(test)["event"])
    test.assertEqual(b"", receive_until_end(inside))
    inside.close()
    test.assertEqual(0, test.daemon.wait())
    test.assertEqual(["restart"], [session["reason"] for session in test.daemon.sessions()])


def gives_up_shortly(test):
    """A program that hangs, at the path of the start."""
    program, hanging = test.folder / "program", test.folder / "hanging"
    program.symlink_to(binary())
    hanging.write_text("#!/bin/sh\nexec sleep 1000\n")
    hanging.chmod(0o755)
    test.lives.close()
    test.daemon = test.lives.enter_context(Daemon(test.text(test.case.before), directory=test.folder, program=str(program)))
    inside = test.come()
    test.served(inside)
    test.change()
    hanging.replace(program)
    test.assertIn("timeouts.upgrade", upgrade(test)["reason"])
    test.served(inside)


def moves(test):
    inside = test.come()
    test.served(inside)
    before = test.daemon.address()
    test.change()
    test.served(test.enterContext(connect(test.daemon.addresses()[-1])))
    test.daemon.wait_for_events("listener_closed")
    with test.assertRaises(ConnectionRefusedError):
        connect(before)
    test.served(inside)


def idles(test):
    """The later one has been ended when the earlier one is still there."""
    inside = test.come()
    test.change()
    test.assertEqual("idle_timeout", reason(test, test.come()))
    test.served(inside)


def greets(test):
    """Both are silent; the earlier one waits on."""
    inside = test.come()
    test.change()
    test.assertEqual(b"hello\n", line_of(test.come()))
    test.assertEqual(([], [], []), select.select([inside], [], [], 0))


def pauses(test):
    """Half a message ends by a silence, or by the rest."""
    inside = test.come()
    test.change()
    later = test.come()
    for client in (inside, later):
        client.sendall(b"ha")
    test.assertEqual(b"<ha>", receive_exactly(later, 4))
    inside.sendall(b"lf\n")
    test.assertEqual(b"<half>", receive_exactly(inside, 6))


def repeats(test):
    """Refused for the same reason, ten times: so many of them are told. The rest waits for a line that counts it."""
    def told():
        seen = len(test.daemon.sessions())
        for _ in range(10):
            test.assertEqual("denied", test.visit("127.0.0.9"))
        test.sees_a_session()
        return len([event for event in test.daemon.sessions()[seen:] if event["reason"] == "denied"])
    test.change()
    test.assertEqual(3, told())
    test.change()
    test.restart()
    test.assertEqual(10, told())


def transfers(test):
    """One at a byte a second, while another gets all."""
    inside = test.come()
    test.change()
    later = test.come()
    later.sendall(b"large\n")
    receive_exactly(later, 1)
    inside.sendall(b"large\n")
    test.assertEqual(test.large_bytes, len(receive_until_end(inside)))
    later.setblocking(False)
    got = 0
    with contextlib.suppress(BlockingIOError):
        while part := later.recv(1 << 20):
            got += len(part)
    test.assertLess(got, test.large_bytes // 2)


def downloads(test):
    """Two at a time of those before, and one of those who came behind."""
    def begin(client):
        client.sendall(b"large\n")
        try:
            return len(client.recv(1))
        except ConnectionResetError:
            return 0
    inside = [test.come(), test.come()]
    test.change()
    later = [test.come(), test.come()]
    test.assertEqual([1, 0], [begin(client) for client in later])
    test.assertEqual([1, 1], [begin(client) for client in inside])


def mode_of(test, _):
    return (test.folder / "socket").stat().st_mode & 0o777


def ports_file(test, _):
    return [name for name in ("run", "other") if (test.folder / name / "ports").exists()]


def loops(test, _):
    """In its own line, and those that there are."""
    return test.daemon.events("ready")[-1]["threads"]


TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT = 18, 25
UTF8_E, BAD = "é".encode(), "\N{REPLACEMENT CHARACTER}".encode()
HAO = "好"
FILE_NAMES = FILES + "root = @/served\n"

CASES = [
    Case("server.name", "old", "new", hello_name, "old", "new", config=ANSWER + "text = x\n"),
    Case("server.threads", "1", "2", loops, 1, 2),
    Case("server.accept", "shared", "reuseport", listening_sockets, 1, 2),
    Case("server.upgrade", None, "listeners", check=hands_over_no_sessions, kind="L"),
    Case("server.run_dir", "@/run", "@/other", ports_file, ["run"], ["other"]),

    Case("limits.max_connections", None, "1", check=refuses("server_full"), kind="L"),
    Case("limits.max_per_ip", None, "1", check=refuses("ip_limit"), kind="L"),
    Case("limits.ip_prefix_v4", None, "24", check=keeps_its_group("127.0.0.2", "127.0.0.3", "127.0.0.4"), kind="N",
         config=LINES + "[limits]\nmax_per_ip = 1\n"),
    Case("limits.ip_prefix_v6", None, "128", check=keeps_its_group("::1", "::1", "::1"), kind="N",
         config=LINES + "[listener.six]\nbind = [::1]:0\nprotocol = text\nservice = main\n[limits]\nmax_per_ip = 1\n"),
    Case("limits.accept_rate", None, "1", check=refuses("rate_limited"), kind="L"),
    Case("limits.accept_rate_per_ip", None, "1", check=refuses("rate_limited"), kind="L"),
    Case("limits.early_drop", None, "1", check=drops_early, kind="L", config=LINES + "[limits]\nmax_connections = 100\n"),
    Case("limits.max_message", "1MiB", "1KiB", reason_behind(b"x" * 2000 + b"\n"), "peer_closed", "message_too_big"),
    Case("limits.queue_soft", "64MiB", "1KiB", are_all_handled, True, False,
         config=LARGE.replace("queue_soft = 64MiB", "requests_per_turn = 1000") + "[timeouts]\nwrite = 300ms\n"),
    Case("limits.max_buffer_memory", "256MiB", "1MiB", reason, None, "slow_consumer", begin=wait_for_much, config=LARGE),
    Case("limits.requests_per_turn", None, "1", check=turns, kind="L", config=LINES + "on_message = {text}\n" + ONE_LOOP),

    Case("timeouts.idle", None, "200ms", reason, None, "idle_timeout", config=LINES + AT_ONCE),
    Case("timeouts.first_byte", None, "200ms", reason, None, "first_byte_timeout", config=LINES + AT_ONCE),
    Case("timeouts.message", None, "200ms", reason, None, "message_timeout", begin=lambda _, client: client.sendall(b"half"),
         config=LINES + AT_ONCE),
    Case("timeouts.write", None, "200ms", reason, None, "write_timeout", begin=send_much, config=LARGE),
    # An automatic socket.user_timeout is 30 s more.
    Case("timeouts.write", "5s", "6s", option(socket.IPPROTO_TCP, TCP_USER_TIMEOUT), 35000, 36000),
    Case("timeouts.linger", "1m", "200ms", lingers_shortly, None, True, begin=leave_by_close_after,
         config=LINES + "close_after = 1\n"),
    Case("timeouts.drain", "1d", "200ms", check=stops(signal.SIGTERM), kind="L"),
    Case("timeouts.lame_duck", "1d", "200ms", check=stops(signal.SIGQUIT), kind="L"),
    Case("timeouts.upgrade", "1d", "200ms", check=gives_up_shortly, kind="L"),
    Case("timeouts.upgrade_drain", "1d", "200ms", check=is_drained_shortly, kind="L", config=LINES + "[server]\nupgrade = listeners\n"),

    Case("socket.backlog", "7", "8", listening_option(backlog), 7, 8),
    Case("socket.reuse_address", "yes", "no", listening_option(lambda end: end.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)), 1, 0),
    Case("socket.nodelay", "yes", "no", option(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1, 0),
    Case("socket.keepalive", "60s", "77s", option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 60, 77),
    Case("socket.user_timeout", "5s", "6s", option(socket.IPPROTO_TCP, TCP_USER_TIMEOUT), 5000, 6000),
    Case("socket.notsent_lowat", "32KiB", "16KiB", option(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT), 32 << 10, 16 << 10),
    # The kernel doubles what is set.
    Case("socket.send_buffer", "32KiB", "64KiB", option(socket.SOL_SOCKET, socket.SO_SNDBUF), 64 << 10, 128 << 10),
    Case("socket.receive_buffer", "32KiB", "64KiB", option(socket.SOL_SOCKET, socket.SO_RCVBUF), 64 << 10, 128 << 10),

    Case("log.level", "info", "debug", is_debugged, False, True, config=REPEAT),
    Case("log.format", "json", "text", told_in, ("stderr", "json"), ("stderr", "text")),
    Case("log.file", None, "@/elsewhere", told_in, ("stderr", "json"), ("elsewhere", "json")),
    Case("log.session_file", None, "@/elsewhere", told_in, ("stderr", "json"), ("elsewhere", "json")),
    Case("log.repeats", "3", "0", check=repeats, kind="R", config=LINES + ONE_LOOP + "[access]\ndeny = 127.0.0.9\n"),
    Case("log.empty_sessions", "yes", "no", is_told, True, False, config=LINES + ONE_LOOP),
    Case("log.peer", "full", "prefix", told_peer, ("127.9.8.7", "127.9.8.7"), ("127.9.8.0/24", "127.9.8.0"), source="127.9.8.7",
         config=LINES + "on_message = {text} {ip}\n"),

    Case("access.allow", "127.0.0.1", "127.0.0.2", check=admits, kind="L", config=LINES + "[access]\ndeny = 127.0.0.0/8\n"),
    Case("access.deny", None, "127.0.0.1", check=refuses("denied"), kind="L"),

    Case("listener.main.bind", "127.0.0.1:0", "127.0.0.2:0", check=moves, kind="L", config=LINES.replace("bind = 127.0.0.1:0", "")),
    Case("listener.main.protocol", "text", "len32", ask(b"\0\0\0\2x\n", 4), b"yes\n", b"\0\0\0\3", config=ANSWER + "text = yes\n"),
    Case("listener.main.service", "main", "other", ask(b"x\n", 6), b"first\n", b"other\n",
         config=ANSWER.replace("service = main\n", "") + "text = first\n" + OTHER),
    Case("listener.main.services", "main", "main, other", offered, (["main"], False), (["main", "other"], True),
         config=ANSWER + "text = x\n" + OTHER),
    Case("listener.main.idle", None, "200ms", check=idles, kind="N", config=LINES + AT_ONCE + ONE_LOOP),
    Case("listener.main.greet_wait", "1m", "1ms", check=greets, kind="N", config=REPEAT + "greeting = hello\n" + ONE_LOOP),
    Case("listener.main.max_connections", None, "1", check=refuses("server_full"), kind="N"),
    Case("listener.main.max_message", None, "1KiB", reason_behind(b"x" * 2000 + b"\n"), "peer_closed", "message_too_big"),
    Case("listener.main.allow", "127.0.0.1", "127.0.0.2", check=admits, kind="N",
         config=LINES + "[listener.main]\ndeny = 127.0.0.0/8\n"),
    Case("listener.main.deny", None, "127.0.0.1", check=refuses("denied"), kind="N"),
    Case("listener.main.unix_mode", "0660", "0600", mode_of, 0o660, 0o600,
         config=LINES.replace("bind = 127.0.0.1:0", "bind = 127.0.0.1:0, unix:@/socket")),

    Case("service.main.type", "reply\ntext = answer", "echo", ask(b"a fact\n", 7), b"answer\n", b"a fact\n",
         config=TEXT + "boundary = line\n"),
    Case("service.main.greeting", "hello", "welcome", greeting_of, b"hello\n", b"welcome\n",
         config=REPEAT + "[listener.main]\ngreet_wait = 1m\n"),
    Case("service.main.decode", "latin1", "utf-8", ask_to_the_end(b"\xe9\n"), b"<" + UTF8_E + b">\n", b"<" + BAD + b">\n",
         config=REPEAT + "encode = utf-8\n"),
    Case("service.main.encode", "utf-8", "gbk", ask_to_the_end(b"x\n"), HAO.encode() + b"\n", HAO.encode("gbk") + b"\n",
         config=ANSWER + f"text = {HAO}\n"),
    Case("service.main.encode_tie", "utf-8", "gbk", ask_to_the_end(b"x\n"), HAO.encode() + b"\n", HAO.encode("gbk") + b"\n",
         config=ANSWER + f"text = {HAO}\n"),
    Case("service.main.boundary", "line", "chunk", ask(b"ab\ncd\n", 4), b"<ab>", b"<ab\n", config=REPEAT.replace("boundary = line\n", "")),
    Case("service.main.chunk", "1024", "4", ask(b"abcdefgh", 6), b"<abcde", b"<abcd>", config=REPEAT.replace("= line", "= chunk")),
    Case("service.main.pause", "1m", "1ms", check=pauses, kind="N", config=REPEAT.replace("= line", "= auto")),
    Case("service.main.text", "first", "other", ask(b"x\n", 6), b"first\n", b"other\n", config=ANSWER),
    Case("service.main.close_after", None, "1", ask_to_the_end(b"a\nb\n"), b"<a>\n<b>\n", b"<a>\n", config=REPEAT),
    *(Case(f"service.main.{name}", "old {port}", "new {port}", printed, "old", "new", config=REPEAT)
      for name in ("on_connect", "on_message", "on_close")),
    Case("service.main.on_missing", "old {port}", "new {port}", printed, "old", "new", config=FILE_NAMES),
    Case("service.main.root", "@/served", "@/served/folder", ask_to_the_end(b"name\n"), b"one", b"two", config=FILES),
    Case("service.main.max_rate", None, "1", check=transfers, kind="N", config=FILE_NAMES),
    Case("service.main.max_downloads", None, "1", check=downloads, kind="N", config=FILE_NAMES),
    Case("service.main.symlinks", "no", "yes", ask_to_the_end(b"link\n"), b"", b"one", config=FILE_NAMES),
    Case("service.main.hidden", "no", "yes", ask_to_the_end(b".hidden\n"), b"", b"three", config=FILE_NAMES),
]


@functools.cache
def classes():
    """What -T prints of the keys."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(LINES)
        file.flush()
        shown = subprocess.run([binary(), "-T", "-c", file.name], capture_output=True, text=True, check=True, timeout=DEADLINE).stdout
    found, section = {}, None
    for line in shown.splitlines():
        if heading := re.fullmatch(r"\[(.+)\]", line):
            section = heading[1]
        elif key := re.fullmatch(r"(\w+) = .*# ([LNR]) .*", line):
            found[f"{section}.{key[1]}"] = key[2]
    return found


class Classes(unittest.TestCase):
    large_bytes = 8 << 20

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-")))

    def make_files(self):
        (self.folder / "other").mkdir()
        root = self.folder / "served"
        (root / "folder").mkdir(parents=True)
        for name, content in (("name", "one"), ("folder/name", "two"), (".hidden", "three")):
            (root / name).write_text(content)
        (root / "link").symlink_to("name")
        with open(root / "large", "wb") as file:
            file.truncate(self.large_bytes)

    def prove(self, case):
        self.case = case
        self.connected = 0
        self.make_files()
        kind = classes()[case.key]
        self.lives = self.enterContext(contextlib.ExitStack())
        self.daemon = self.lives.enter_context(Daemon(self.text(case.before), directory=self.folder))
        if case.check:
            self.assertEqual(case.kind, kind)
            return case.check(self)
        if kind == "L" and case.old is not None:
            self.assertEqual(case.old, self.show(self.begin()))
        there = self.begin()
        self.change()
        # The later one first: the earlier one has then had all the time that a change could take.
        seen = [self.show(self.begin()), self.show(there)]
        self.assertEqual({"L": [case.new, case.new], "N": [case.new, case.old], "R": [case.old, case.old]}[kind], seen)
        if kind == "R":
            self.change()  # told each time
            self.restart()
            self.assertEqual(case.new, self.show(self.begin()))

    def begin(self):
        client = self.come()
        self.case.begin(self, client)
        return client

    def show(self, client):
        return self.case.show(self, client)

    # ---- The daemon

    def text(self, value):
        return (self.case.config + setting(self.case.key, value)).replace("@", str(self.folder))

    def events(self):
        moved = self.folder / "elsewhere"
        return self.daemon.events() + ([json.loads(line) for line in moved.read_text().splitlines()] if moved.is_file() else [])

    def reload(self, value):
        """The events of its answer."""
        def answers():
            return [number for number, event in enumerate(self.events()) if event["event"] == "reloaded"]
        seen, done = len(self.events()), len(answers())
        (self.folder / "test.conf").write_text(self.text(value))
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: len(answers()) > done, "an answer to HUP")
        return self.events()[seen:]

    def change(self):
        """A reload that tells the key as its class says."""
        # What waits for accept() belongs to whoever accepts it.
        self.daemon.wait_for_counters(lambda now: now["accepted"] == self.connected, "all to be accepted")
        key, kind = self.case.key, classes()[self.case.key]
        event = next(event for event in self.reload(self.case.after) if event.get("key") == key)
        if kind == "R":
            self.assertEqual("restart_needed", event["event"])
            values = event["running"], event["file"]
        else:
            self.assertEqual(("setting_changed", {"L": "at_once", "N": "new_connections"}[kind]), (event["event"], event["in_force"]))
            values = event["before"], event["after"]
        for value, told in zip((self.case.before, self.case.after), values):
            if value is not None:
                self.assertEqual(value.split("\n")[0].replace("@", str(self.folder)), told.strip('"'))

    def restart(self):
        self.lives.close()
        self.connected = 0
        is_text = self.case.key == "log.format"
        self.daemon = self.lives.enter_context(Daemon(self.text(self.case.after), directory=self.folder, mute=is_text))

    # ---- Clients

    def come(self, listener="main", source=None):
        self.connected += 1
        return self.lives.enter_context(self.daemon.connect(listener, source=source or self.case.source))

    def served(self, client):
        client.sendall(b"x\n")
        self.assertIn(line_of(client), (b"x\n", b"<x>\n"))

    def visit(self, source=None, listener="main"):
        """What one who comes and goes is told: `served`, or why not."""
        with self.come(listener, source) as client:
            client.sendall(b"x\n")
            line = line_of(client)
            with contextlib.suppress(OSError):  # a refused one need not wait for our end
                client.shutdown(socket.SHUT_WR)
                receive_until_end(client)
        return "served" if line == b"x\n" else line.decode().split(": ")[1]

    def sees_a_session(self):
        """The lines before it are there then, too."""
        with self.come() as client:
            name = client.getsockname()
            client.sendall(b"x\n")
            receive_exactly(client, 2)
        wait_for(lambda: any(event["peer"].endswith(":%d" % name[1]) for event in self.daemon.sessions()), "a session's line")

    @contextlib.contextmanager
    def other_end(self, is_it):
        """The daemon's socket for which that is true, as one of ours (pidfd_getfd(2))."""
        pidfd = os.pidfd_open(self.daemon.pid)
        try:
            for number in os.listdir(f"/proc/{self.daemon.pid}/fd"):
                mine = ctypes.CDLL(None, use_errno=True).syscall(438, pidfd, int(number), 0)
                if mine < 0:
                    self.skipTest(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
                try:
                    end = socket.socket(fileno=mine)
                except OSError:
                    os.close(mine)
                    continue
                with end:
                    with contextlib.suppress(OSError):
                        if is_it(end):
                            yield end
                            return
            self.fail("the daemon has no such socket")
        finally:
            os.close(pidfd)


def add_test(case):
    def test(self):
        self.prove(case)
    name = "test_" + case.key.replace(".", "_")
    setattr(Classes, name + "_too" * hasattr(Classes, name), test)


for each in CASES:
    add_test(each)


class EveryKey(unittest.TestCase):
    def test_every_key_has_a_case(self):
        self.assertEqual(sorted(classes()), sorted({case.key for case in CASES}))


if __name__ == "__main__":
    main()
