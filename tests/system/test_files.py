"""Files over real sockets and a real disk, by a client written from docs/protocol.md alone."""
import collections
import hashlib
import itertools
import os
import pathlib
import select
import socket
import struct
import tempfile
import threading
import time
import unittest

from support.daemon import Daemon
from support.peers import ERROR, Framed, NO_SUCH_FILE, OPEN, OPENED, ends_by_reset, exchange, len32, \
    reason_of, receive_exactly, receive_until_end
from support.runner import main

STAT, STATUS, LIST, LISTING, GET, BEGIN, DATA, END, HASH, HASHES = range(0x20, 0x2a)
FILE_CHANGED = 20
MIB = 1 << 20
ALL = (1 << 64) - 1
ANY = bytes(40)
SECRET = b"canary-5c1f0a: no byte of this may ever be seen"

Identity = collections.namedtuple("Identity", "device inode size mtime_ns ctime_ns")
Entry = collections.namedtuple("Entry", "kind size mtime_ns name")

CONFIG = """
[service.file]
type = file
root = {root}
boundary = line
on_missing = missing {{text}}
[listener.main]
bind = 127.0.0.1:0
service = file
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = file
{more}
"""


def identity_of(raw):
    return Identity(*struct.unpack(">QQQqq", raw))


class FileClient(Framed):
    """Asks, and reads the answers: bytes, or the number of the close reason."""

    def ask_for(self, kind, payload, channel=0):
        self.send(kind, payload, channel, self.next_id())
        return self.last_id

    def stat(self, name):
        self.ask_for(STAT, name)
        answer = self.read()
        if answer.type == ERROR:
            return reason_of(answer.payload)
        return answer.payload[0], identity_of(answer.payload[1:])

    def list(self, directory=b"", most=0):
        entries, more = [], True
        while more:
            after = entries[-1].name if entries else b""
            self.ask_for(LIST, struct.pack(">HH", most, len(after)) + after + directory)
            answer = self.read()
            if answer.type == ERROR:
                return reason_of(answer.payload)
            more, count = struct.unpack(">BH", answer.payload[:3])
            at = 3
            for _ in range(count):
                kind, size, mtime_ns, length = struct.unpack(">BQqH", answer.payload[at:at + 19])
                entries.append(Entry(kind, size, mtime_ns, answer.payload[at + 19:at + 19 + length]))
                at += 19 + length
        return entries

    def get(self, name, offset=0, length=ALL, identity=ANY, meanwhile=None):
        """The bytes, once END has come; else the reason and what came before it."""
        self.ask_for(GET, struct.pack(">QQ", offset, length) + identity + name)
        parts, begin = [], None
        while True:
            answer = self.read()
            if answer.type == BEGIN:
                begin = answer.payload
                self.identity = begin[:40]
                if meanwhile:
                    meanwhile()
            elif answer.type == DATA:
                parts.append(answer.payload)
            elif answer.type == ERROR:
                return reason_of(answer.payload), b"".join(parts)
            else:
                assert answer.type == END, answer
                content = b"".join(parts)
                assert struct.unpack(">Q", answer.payload)[0] == len(content)
                assert struct.unpack(">Q", begin[48:])[0] == len(content)
                return content

    def hashes(self, name, identity=ANY):
        """The hash of the whole, and those of all chunks."""
        chunks, whole = [], None
        while True:
            self.ask_for(HASH, struct.pack(">QI", len(chunks), 0) + identity + name)
            answer = self.read()
            if answer.type == ERROR:
                return reason_of(answer.payload)
            identity = answer.payload[:40]
            chunk_bytes, whole, first, count = struct.unpack(">I32sQI", answer.payload[40:88])
            assert chunk_bytes == MIB and first == len(chunks)
            chunks += [answer.payload[88 + 32 * i:120 + 32 * i] for i in range(count)]
            if len(chunks) >= (identity_of(identity).size + MIB - 1) // MIB:
                return whole, chunks


class FilesTest(unittest.TestCase):
    def setUp(self):
        self.base = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-files-")))
        self.root = self.base / "root"
        (self.root / "sub").mkdir(parents=True)
        (self.base / "secret").write_bytes(SECRET)
        self.write("a.txt", b"inside")
        self.write("sub/b.txt", b"deeper")

    def write(self, name, content):
        (self.root / name).write_bytes(content)
        return content

    def start(self, more="", rest=""):
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.root, more=rest).replace(
            "boundary = line", "boundary = line\n" + more)))
        return self.daemon

    def client(self):
        return self.enterContext(FileClient(self.daemon.connect()))


class Fetching(FilesTest):
    def test_looks_lists_fetches_and_hashes(self):
        content = self.write("大文件.bin", os.urandom(3 * MIB + 17))
        self.write("empty", b"")
        self.write("x" * 255, b"long name")
        self.start()
        client = self.client()
        kind, identity = client.stat("大文件.bin".encode())
        found = os.stat(self.root / "大文件.bin")
        self.assertEqual((1, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)),
                         (kind, identity))
        self.assertEqual(2, client.stat(b"sub")[0])
        self.assertEqual(content, client.get("大文件.bin".encode()))
        self.assertEqual((hashlib.sha256(content).digest(),
                          [hashlib.sha256(content[at:at + MIB]).digest() for at in range(0, len(content), MIB)]),
                         client.hashes("大文件.bin".encode(), client.identity))
        self.assertEqual(b"", client.get(b"empty"))
        self.assertEqual(b"long name", client.get(b"x" * 255))
        names = sorted([b"a.txt", b"sub", b"empty", b"x" * 255, "大文件.bin".encode()])
        for most in 0, 1, 2:
            self.assertEqual(names, [entry.name for entry in client.list(most=most)])
        self.assertEqual([b"b.txt"], [entry.name for entry in client.list(b"sub")])
        for offset, length in (0, 1), (MIB - 1, 2), (len(content) - 3, 100), (len(content) + 1, 1), (5, 2 * MIB):
            self.assertEqual(content[offset:offset + length], client.get("大文件.bin".encode(), offset, length))

    def test_the_hashes_of_a_short_file_do_not_wait_for_those_of_long_ones(self):
        """Each of these takes minutes, and more of them are asked for than there are threads."""
        names = b"one", b"two", b"three"
        for name in names:
            with open(self.root / name.decode(), "wb") as file:
                file.truncate(200 << 30)
        self.start()
        for name in names:
            self.client().ask_for(HASH, struct.pack(">QI", 0, 0) + ANY + name)
        self.assertEqual(hashlib.sha256(b"inside").digest(), self.client().hashes(b"a.txt")[0])

    def test_beyond_four_gib(self):
        with open(self.root / "sparse", "wb") as sparse:
            sparse.truncate(4 * 1024 * MIB)
            sparse.seek(0, os.SEEK_END)
            sparse.write(b"!")
        self.start()
        client = self.client()
        self.assertEqual(b"\0\0!", client.get(b"sparse", 4 * 1024 * MIB - 2))
        self.assertEqual(4 * 1024 * MIB + 1, client.stat(b"sparse")[1].size)

    def test_many_clients_at_once(self):
        contents = {f"f{i}".encode(): self.write(f"f{i}", os.urandom(i * 200_001)) for i in range(8)}
        self.start()
        problems = []

        def fetch(turn):
            with FileClient(self.daemon.connect()) as client:
                for name, content in contents.items():
                    if client.get(name) != content:
                        problems.append((turn, name))
        threads = [threading.Thread(target=fetch, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], problems)

    def test_a_ping_passes_a_download_on_another_channel_too(self):
        self.write("big", bytes(8 * MIB))
        self.start()
        client = self.client()
        client.ask_for(OPEN, b"file", 1)
        self.assertEqual(OPENED, client.read().type)
        client.ask_for(GET, struct.pack(">QQ", 0, ALL) + ANY + b"big")
        aside = client.ask_for(STAT, b"a.txt", 1)
        kinds = []
        while not kinds or kinds[-1] != END:
            answer = client.read()
            kinds.append(answer.type)
            if answer.type == STATUS:
                self.assertEqual(aside, answer.request_id)
        self.assertIn(STATUS, kinds)

    def test_max_rate(self):
        self.write("file", bytes(600_000))
        self.start("max_rate = 1000000")
        before = time.monotonic()
        self.assertEqual(600_000, len(self.client().get(b"file")))
        self.assertGreater(time.monotonic() - before, 0.35)

    def test_a_reader_who_has_become_slow_is_waited_for_and_one_who_stops_is_not(self):
        """It is quick at first, so that the kernel may hold much, of which a slow one makes no room in time. The text client's bytes
        are the kernel's own work, the framed one's are read by the daemon."""
        with open(self.root / "file", "wb") as file:
            file.truncate(1 << 30)
        self.start(rest="[timeouts]\nwrite = 1s\n")
        for protocol in ("text", "framed"):
            with self.subTest(protocol), self.slow_reader() as client:
                if protocol == "text":
                    client.connect(self.daemon.address("text"))
                    client.sendall(b"file\n")
                else:
                    client.connect(self.daemon.address())
                    framed = FileClient(client)
                    framed.ask_for(GET, struct.pack(">QQ", 0, ALL) + ANY + b"file")
                receive_exactly(client, 32 * MIB)
                self.read_slowly(client)
                broken = select.poll()
                broken.register(client, 0)
                self.assertTrue(broken.poll(30_000))
                with self.assertRaises(ConnectionResetError):
                    receive_exactly(client, 1 << 30)
        self.daemon.wait_for_counters(lambda now: now.get("write_timeout") == 2, "both are counted")

    def test_a_slow_reader_gets_the_end_of_its_file_whatever_it_says_meanwhile(self):
        """The daemon has given all to the kernel long before. A connection that is closed answers a byte with a reset, and the rest of
        the file is lost."""
        content = self.write("file", os.urandom(3 * MIB))
        self.start(rest="[timeouts]\nlinger = 1s\n")
        with self.slow_reader() as client:
            client.connect(self.daemon.address("text"))
            client.sendall(b"file\n")
            received = receive_exactly(client, 2 * MIB)
            received += self.read_slowly(client)
            client.sendall(b"?")
            received += self.read_slowly(client, seconds=1)
            client.sendall(b"?")
            self.assertEqual(content, received + receive_until_end(client))

    @staticmethod
    def read_slowly(client, seconds=4):
        """128 KiB a second."""
        received, began = b"", time.monotonic()
        for turn in itertools.count(1):
            received += receive_exactly(client, 8 << 10)
            left = began + turn / 16 - time.monotonic()
            if turn > 16 * seconds:
                return received
            select.select([], [], [], max(0, left))

    @staticmethod
    def slow_reader():
        """Its own kernel holds little, so it is the daemon's that holds much."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
        client.settimeout(30)
        return client

    def test_text_and_len32(self):
        content = self.write("接收.bin", os.urandom(5 * MIB))
        self.start()
        self.assertEqual(content, exchange(self.daemon.address("text"), "接收.bin\n".encode()))
        self.assertEqual(content, exchange(self.daemon.address("text"), "接收.bin\n".encode("gbk")))
        self.assertEqual(b"", exchange(self.daemon.address("text"), b"missing\n"))
        self.assertEqual(len32(b"inside") * 2, exchange(self.daemon.address(), len32(b"a.txt") * 2))
        self.daemon.stop()
        self.assertEqual(["missing missing"], self.daemon.stdout_lines())


class Changing(FilesTest):
    SIZE = 64 * MIB

    def change_during_get(self, change):
        before = self.write("file", b"a" * self.SIZE)
        self.start()
        client = self.client()
        reason, part = client.get(b"file", meanwhile=change)
        self.assertEqual(FILE_CHANGED, reason)
        self.assertEqual(before[:len(part)], part, "a mixture")
        self.assertEqual(1, client.stat(b"a.txt")[0], "the connection goes on")

    def test_replaced(self):
        def change():
            self.write("new", b"b" * self.SIZE)
            os.rename(self.root / "new", self.root / "file")
        self.change_during_get(change)

    def test_overwritten_with_the_same_size(self):
        def change():
            with open(self.root / "file", "r+b") as file:
                file.write(b"b" * self.SIZE)
        self.change_during_get(change)

    def test_appended(self):
        def change():
            with open(self.root / "file", "ab") as file:
                file.write(b"more")
        self.change_during_get(change)

    def test_truncated(self):
        self.change_during_get(lambda: os.truncate(self.root / "file", 1000))

    def test_the_same_size_and_mtime(self):
        def change():
            found = os.stat(self.root / "file")
            with open(self.root / "file", "r+b") as file:
                file.write(b"b" * self.SIZE)
            os.utime(self.root / "file", ns=(found.st_atime_ns, found.st_mtime_ns))
        self.change_during_get(change)

    def test_between_two_requests(self):
        self.write("file", b"one")
        self.start()
        client = self.client()
        client.get(b"file")
        identity = client.identity
        self.write("file", b"two")
        self.assertEqual((FILE_CHANGED, b""), client.get(b"file", identity=identity))
        self.assertEqual(FILE_CHANGED, client.hashes(b"file", identity))
        self.assertEqual(b"two", client.get(b"file"))

    def test_a_text_download_cut_short_is_reset(self):
        self.write("file", bytes(self.SIZE))
        self.start()
        with self.daemon.connect("text") as client:
            client.sendall(b"file\n")
            receive_exactly(client, 1000)
            os.truncate(self.root / "file", 1000)
            self.assertTrue(ends_by_reset(client))


def hostile_names():
    """At least 300 that lead outside, or nowhere, or to what is no file."""
    secret = [b"secret", b"../secret", b"root/../../secret", b"/secret"]
    names = []
    for ups in range(1, 40):
        names += [b"../" * ups + b"secret", b"sub/" + b"../" * ups + b"secret", b"./" * ups + b"../secret",
                  b"/" * ups + b"etc/passwd", b"..\\" * ups + b"secret", b"%2e%2e/" * ups + b"secret"]
    for dots in (b"..", b"%2e%2e", b"%252e%252e", b"..%00", b".%2e", b"\xc0\xae\xc0\xae", b"\xe0\x80\xae\xe0\x80\xae",
                 b"\xef\xbc\x8e\xef\xbc\x8e", b"..;", b".. ", b" ..", b"...", b"..\t", b"..\x01", b"\xe2\x80\xa5"):
        for slash in (b"/", b"\\", b"//", b"%2f", b"%5c", b"\xc0\xaf", b"\xe2\x88\x95", b"\xef\xbc\x8f"):
            names.append(dots + slash + b"secret")
    names += [b"/proc/self/cwd/../secret", b"/proc/self/fd/0", b"/proc/self/environ", b"/dev/stdin", b"/dev/zero",
              b"proc/self/environ", b"a.txt/", b"a.txt/.", b"a.txt/..", b"sub/", b"sub//b.txt", b"sub/./b.txt",
              b"sub/../a.txt", b".", b"..", b"/", b"//", b"~/secret", b"~root/secret", b"file:///etc/passwd",
              b"out", b"up/secret", b"fifo", b"proc/self/root", b".hidden", b"sub/.hidden", b"dangling", b"loop",
              b"loop/a.txt", b"a.txt\xff", b"\xff", b"\xc3\x28", b"x" * 256, b"x" * 5000, b"a/" * 3000 + b"a",
              b"A.TXT", b"a.txt ", b" a.txt", b"a.txt\x7f", b"*", b"?", b"[a].txt", b"$(cat secret)", b"`id`",
              b"a.txt;id", b"|id", b"-", b"--", b"con", b"NUL", b"a.txt::$DATA", b"\xef\xbb\xbfa.txt"]
    return secret + names


class Hostile(FilesTest):
    def setUp(self):
        super().setUp()
        self.write(".hidden", SECRET)
        self.write("sub/.hidden", SECRET)
        os.symlink(self.base / "secret", self.root / "out")
        os.symlink(self.base, self.root / "up")
        os.symlink("nowhere", self.root / "dangling")
        os.symlink("loop", self.root / "loop")
        os.symlink("/proc", self.root / "proc")
        os.mkfifo(self.root / "fifo")
        self.names = hostile_names()
        self.assertGreaterEqual(len(self.names), 300)

    def no_secret(self, *said):
        self.daemon.stop()
        for words in *said, self.daemon.stdout().encode(), self.daemon.stderr().encode():
            self.assertNotIn(b"canary", words)
            self.assertNotIn(b"root:", words)

    def ask_all(self, client):
        said = b""
        with_nul = [name[:1] + b"\0" + name[1:] for name in self.names[:20]]
        for name in self.names + with_nul:
            for kind, head in (STAT, b""), (GET, struct.pack(">QQ", 0, ALL) + ANY), \
                    (HASH, struct.pack(">QI", 0, 0) + ANY), (LIST, struct.pack(">HH", 0, 0)):
                client.ask_for(kind, head + name)
                answer = client.read()
                said += answer.payload
                self.assertEqual((ERROR, NO_SUCH_FILE, b"there is no such file"),
                                 (answer.type, reason_of(answer.payload), answer.payload[4:]), (kind, name))
        return said

    def test_framed(self):
        self.start()
        client = self.client()
        said = self.ask_all(client)
        self.assertEqual([b"a.txt", b"sub"], [entry.name for entry in client.list()])
        self.assertEqual(b"inside", client.get(b"a.txt"))
        self.no_secret(said)

    def test_framed_with_symlinks(self):
        os.symlink("a.txt", self.root / "in")
        self.start("symlinks = yes")
        client = self.client()
        said = self.ask_all(client)
        self.assertEqual([b"a.txt", b"in", b"sub"], [entry.name for entry in client.list()])
        self.assertEqual(b"inside", client.get(b"in"))
        self.no_secret(said)

    def test_text(self):
        self.start()
        for name in self.names:
            self.assertEqual(b"", exchange(self.daemon.address("text"), name + b"\n"), name)
        self.assertEqual(b"inside", exchange(self.daemon.address("text"), b"a.txt\n"))
        self.no_secret()


class Race(FilesTest):
    """The kernel's own race: a name is resolved while what it means changes, from a directory to a link that leads outside."""
    requests = 5000

    def swap(self, over):
        a, b, c = self.root / "sub", self.base / "link", self.base / "third"
        while not over.is_set():
            os.rename(a, c)
            os.rename(b, a)
            os.rename(a, b)
            os.rename(c, a)

    def test_a_directory_that_becomes_a_link_while_it_is_asked_for(self):
        (self.base / "outside").mkdir()
        (self.base / "outside" / "b.txt").write_bytes(SECRET)
        os.symlink(self.base / "outside", self.base / "link")
        inside = os.stat(self.root / "sub" / "b.txt")
        digest = hashlib.sha256(b"deeper").digest()
        self.start()
        client = self.client()
        asked = [
            (lambda: client.get(b"sub/b.txt"), lambda got: got == b"deeper"),
            (lambda: client.stat(b"sub/b.txt"), lambda got: got[1].inode == inside.st_ino),
            (lambda: client.hashes(b"sub/b.txt"), lambda got: got == (digest, [digest])),
            (lambda: client.list(b"sub"), lambda got: [entry.size for entry in got] == [6])]
        nothing = [NO_SUCH_FILE, FILE_CHANGED, (NO_SUCH_FILE, b""), (FILE_CHANGED, b"")]
        over = threading.Event()
        swapping = threading.Thread(target=self.swap, args=(over,))
        swapping.start()
        answered = 0
        try:
            for number in range(self.requests):
                ask, is_inside = asked[number % len(asked)]
                got = ask()
                if got not in nothing:
                    self.assertTrue(is_inside(got), got)
                    answered += 1
        finally:
            over.set()
            swapping.join()
        self.assertGreater(answered, 0)
        print(f"{answered} of {self.requests} requests found the directory, none what lies outside")


if __name__ == "__main__":
    main()
