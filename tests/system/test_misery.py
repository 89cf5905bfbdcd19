"""What ended or blocked the tutorials' own servers, and worse: one client's trouble is that client's alone."""
import pathlib
import random
import socket
import struct
import tempfile
import threading
import unittest

from support import tutorials
from support.client import reset
from support.daemon import Daemon, connect
from support.peers import ends_by_reset, exchange, frame, len32, receive_exactly, receive_len32, receive_until_end, \
    reason_of, Framed, ERROR, MESSAGE_TOO_BIG, PREFACE, PROTOCOL_ERROR
from support.runner import main
from support.waiting import wait_for


class AtTheTutorialsServers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fairlead-files-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.daemon = self.enterContext(tutorials.start(self.folder, own_ports=False))

    def check_serves(self):
        self.assertEqual("好的,收到.".encode(), exchange(self.daemon.address("first"), "在吗?".encode()))

    def test_a_utf8_client_at_a_server_that_expects_gbk(self):
        text = tutorials.LAUGH
        self.assertEqual("好的,已经收到!~".encode(), exchange(self.daemon.address("prompted"), text.encode()))
        self.assertEqual("好的,已经收到!~".encode("gbk"), exchange(self.daemon.address("prompted"), text.encode("gbk")))
        wait_for(lambda: self.daemon.stdout_lines().count(f"收到数据:{text}") == 2, "both to be printed alike")

    def test_a_reset_in_the_middle_of_a_conversation(self):
        for name in tutorials.LISTENERS.values():
            with self.daemon.connect(name) as client:
                client.send("一半的一".encode()[:-1])
                peer = client.getsockname()
                reset(client)
            self.assertIn(self.daemon.session_of(peer, name)["reason"], ("reset", "close_after", "no_such_file"))
            self.check_serves()

    def test_a_character_cut_at_byte_1024_is_not_torn(self):
        for encoding in ("utf-8", "gbk"):
            text = "x" + "汉字" * 600
            data = text.encode(encoding)
            with self.daemon.connect("loop") as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                receive_until_end(client)
                self.daemon.session_of(client.getsockname(), "loop")
            prefix = "收到客户端信息: "
            wait_for(lambda: "".join(line[len(prefix):] for line in self.daemon.stdout_lines()
                                     if line.startswith(prefix)).endswith(text), f"the text as it was, from {encoding}")

    def test_idle_clients_block_nobody(self):
        idle = [self.daemon.connect(name) for name in tutorials.LISTENERS.values() for _ in range(20)]
        try:
            for _ in range(20):
                self.check_serves()
        finally:
            for client in idle:
                client.close()

    def test_what_a_client_sends_cannot_steer_the_terminal(self):
        with self.daemon.connect("prompted") as client:
            client.send("\x1b[2J\x07\n已经连接客户端: ('127.0.0.1', 1)\x9b\u202e".encode())
            client.recv(1024)
            peer = client.getsockname()
        self.daemon.session_of(peer, "prompted")
        wanted = [f"已经连接客户端: {peer}",
                  "收到数据:\\x1b[2J\\x07\\n已经连接客户端: ('127.0.0.1', 1)\\u{009b}\\u{202e}"]
        wait_for(lambda: len(self.daemon.stdout_lines()) >= 2, "the transcript")
        self.assertEqual(wanted, self.daemon.stdout_lines())

    def test_a_download_of_3_mib_is_byte_identical(self):
        data = random.Random(3).randbytes(3 * 1024 * 1024)
        (self.folder / "大文件.bin").write_bytes(data)
        for encoding in ("utf-8", "gbk"):
            with self.daemon.connect("download") as client:
                client.send("大文件.bin".encode(encoding))
                self.assertTrue(receive_until_end(client) == data, encoding)
                peer = client.getsockname()
            session = self.daemon.session_of(peer, "download")
            self.assertEqual(("completed", len(data)), (session["reason"], session["bytes_out"]))

    def test_downloads_side_by_side_at_every_speed(self):
        data = random.Random(4).randbytes(1024 * 1024 + 7)
        (self.folder / "f").write_bytes(data)
        results = []

        def download(receive_buffer, piece):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(60)
            client.connect(self.daemon.address("download"))
            client.send(b"f")
            parts = []
            while part := client.recv(piece):
                parts.append(part)
            client.close()
            results.append(b"".join(parts) == data)

        threads = [threading.Thread(target=download, args=(1 << (12 + i % 6), 1 << (10 + i % 7))) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([True] * 20, results)

    def test_nothing_outside_of_the_root_is_served(self):
        secret = self.folder / "root" / "secret"
        root = self.folder / "root" / "inner"
        root.mkdir(parents=True)
        secret.write_text("secret")
        (root / "ok").write_text("fine")
        (root / ".hidden").write_text("hidden")
        (root / "link").symlink_to(secret)
        (root / "folder").mkdir()
        (root / "folder" / "up").symlink_to("..")
        with tutorials.start(self.folder, own_ports=False, arguments=["--set", f"service.download.root={root}"]) as daemon:
            address = daemon.address("download")
            self.assertEqual(b"fine", exchange(address, b"ok"))
            names = ["/etc/hostname", str(secret), "../secret", "folder/../../secret", "link", "folder", ".", "..", "/",
                     ".hidden", "./ok", "folder//up", "folder/up/ok", "//etc/hostname", "ok/", "ok\0", "../inner/ok",
                     "~/ok", "file:///etc/hostname", "%2e%2e/secret", "..\\secret", "ok\n"]
            for name in names:
                with self.subTest(name=name):
                    self.assertEqual(b"", exchange(address, name.encode()))
            self.assertEqual(b"fine", exchange(address, b"ok"))
            sessions = daemon.sessions(len(names) + 2)
            self.assertEqual(["completed"] * 2 + ["no_such_file"] * len(names),
                             sorted(session["reason"] for session in sessions))
            wait_for(lambda: len(daemon.stdout_lines()) == len(names), "each missing name on stdout")
            self.assertIn("no download file:/etc/hostname", daemon.stdout_lines())
            self.assertIn("no download file:ok\\x00", daemon.stdout_lines())

    def test_a_download_from_a_file_that_shrinks_ends_in_a_reset(self):
        path = self.folder / "shrinking"
        with open(path, "wb") as file:
            file.truncate(64 * 1024 * 1024)
        with self.daemon.connect("download") as client:
            client.send(b"shrinking")
            receive_exactly(client, 1000)
            with open(path, "wb"):
                pass
            self.assertTrue(ends_by_reset(client))
            peer = client.getsockname()
        self.assertEqual("file_changed", self.daemon.session_of(peer, "download")["reason"])


SPOKEN = """
[listener.any]
bind = 127.0.0.1:0
service = echo
[listener.text]
bind = 127.0.0.1:0
protocol = text
service = echo
[listener.len32]
bind = 127.0.0.1:0
protocol = len32
service = echo
[listener.framed]
bind = 127.0.0.1:0
protocol = framed
service = echo
[listener.gbk]
bind = 127.0.0.1:0
service = gbk
[service.echo]
type = echo
[service.gbk]
type = reply
decode = gbk
text = 收到{text}
"""


class AnyBytes(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(SPOKEN))

    def test_every_byte_value_first(self):
        address = self.daemon.address("any")
        for value in range(1, 256):
            sent = bytes([value]) + b"abc\n"
            self.assertEqual(b"abc\n" if value == ord("\n") else sent, exchange(address, sent), f"first byte {value}")
        # 00 begins a length: that of a message that is too long here.
        with connect(address) as client:
            client.sendall(b"\0abc\n")
            self.assertIn(b"message_too_big", receive_len32(client))

    def test_every_byte_value_alone(self):
        address = self.daemon.address("any")
        nothing = (0, ord("\n"))  # an unfinished length, an empty line
        for value in range(256):
            sent = bytes([value])
            self.assertEqual(b"" if value in nothing else sent, exchange(address, sent), f"byte {value} alone")

    def test_every_byte_value_alone_and_then_silence(self):
        """Undecided or unfinished, a pause ends it."""
        address = self.daemon.address("any")
        clients = {value: connect(address) for value in range(1, 256) if value != ord("\n")}
        try:
            for value, client in clients.items():
                client.sendall(bytes([value]))
            for value, client in clients.items():
                self.assertEqual(bytes([value]), client.recv(10))
        finally:
            for client in clients.values():
                client.close()

    def test_binary_garbage_at_every_protocol(self):
        chance = random.Random(20240501)
        openings = [b"", b"\0", b"\xff", b"\xffFL", PREFACE, PREFACE[:6], b"\x16", b"\x16\x03", PREFACE + frame(5, b"x")[:7],
                    b"\0\0", b"\0\0\0\5", b"\r", b"\n\n\r\n"]
        for _ in range(150):
            name = chance.choice(["any", "text", "len32", "framed", "gbk"])
            data = chance.choice(openings) + chance.randbytes(chance.choice([1, 3, 12, 100, 5000, 70000]))
            with connect(self.daemon.address(name)) as client:
                sender = threading.Thread(target=self.send_quietly, args=(client, data))
                sender.start()
                try:
                    received = receive_until_end(client)
                    if name == "text":
                        # Lines go missing only when they are empty.
                        self.assertEqual(data.replace(b"\r\n", b"\n").replace(b"\n", b""),
                                         received.replace(b"\r\n", b"\n").replace(b"\n", b""))
                except ConnectionResetError:
                    self.assertNotEqual("text", name)
                sender.join()
        self.assertEqual(b"still here\n", exchange(self.daemon.address("any"), b"still here\n"))
        reasons = {session["reason"] for session in self.daemon.sessions(151)}
        self.assertEqual(set(), reasons - {"peer_closed", "protocol_error", "message_too_big"})

    @staticmethod
    def send_quietly(client, data):
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has had enough of it

    def test_utf8_where_gbk_is_configured(self):
        """Bytes that are no GBK are shown as such, and the conversation goes on in GBK."""
        with self.daemon.connect("gbk") as client:
            client.sendall("中文".encode("gbk") + b"\n")
            self.assertEqual("收到中文\n".encode("gbk"), client.recv(1024))
            client.sendall("中文!\n".encode("utf-8"))
            self.assertTrue(client.recv(1024).startswith("收到".encode("gbk")))
            client.sendall("再来\n".encode("gbk"))
            self.assertEqual("收到再来\n".encode("gbk"), client.recv(1024))

    def test_lengths_that_lie(self):
        """A declared length costs nothing: a thousand of them do not make the daemon larger by a thousand messages."""
        clients = []
        try:
            for _ in range(10):  # what has been needed once may stay
                clients.append(self.daemon.connect("len32"))
            before = self.daemon.resident_bytes()
            for _ in range(500):
                clients.append(self.daemon.connect("len32"))
                clients[-1].sendall(struct.pack(">I", 1 << 20) + b"x")
                clients.append(self.daemon.connect("framed"))
                clients[-1].sendall(PREFACE + struct.pack(">IBBHI", 1 << 20, 5, 0, 0, 1) + b"x")
            self.daemon.wait_for_counters(lambda now: now["open"] == 1010, "all to be connected")
            self.assertLess(self.daemon.resident_bytes() - before, 32 << 20)  # they declare a GiB
        finally:
            for client in clients:
                client.close()
        with self.daemon.connect("len32") as client:
            client.sendall(b"\xff\xff\xff\xff")
            self.assertIn(b"message_too_big", receive_len32(client))
            self.assertEqual(b"", client.recv(1))
        with Framed(self.daemon.connect("framed")) as client:
            client.socket.sendall(struct.pack(">IBBHI", 0xffffffff, 5, 0, 0, 1))
            answer = client.read()
            self.assertEqual((ERROR, PROTOCOL_ERROR), (answer.type, reason_of(answer.payload)))


class KilledAndRestarted(unittest.TestCase):
    def test_bind_never_fails_after_kill_9_under_connections(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-test-"))
        port = self.free_port()
        daemon = Daemon(f"[listener.main]\nbind = 127.0.0.1:{port}\nservice = echo\n[service.echo]\ntype = echo\n",
                        directory=directory)
        left_behind = []
        for round_number in range(20):
            with daemon:
                clients = [daemon.connect() for _ in range(20)]
                for number, client in enumerate(clients):
                    client.sendall(b"hello\n")
                    if number % 2:
                        self.assertEqual(b"hello\n", client.recv(10))
                    if number % 5 == 4:
                        client.close()
                daemon.kill()
                left_behind += clients
        with daemon:
            self.assertEqual(b"after all\n", exchange(daemon.address(), b"after all\n"))
        for client in left_behind:
            client.close()

    @staticmethod
    def free_port():
        """Below the range that the kernel takes ports from, so that nobody can be given it between two starts."""
        first_ephemeral = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        while True:
            port = random.randrange(10000, first_ephemeral)
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue


if __name__ == "__main__":
    main()
