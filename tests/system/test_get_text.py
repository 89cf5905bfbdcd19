"""fairlead get from servers that speak only the tutorials' protocol: a name, bytes, the end of the stream."""
import os
import pathlib
import re
import socket
import struct
import tempfile

from support import tutorials
from support.client import PlainServer
from support.getting import MIB, GettingTest, some_bytes
from support.peers import receive_exactly, receive_until_end
from support.relay import CALL, CUT, RESET, Fault, Relay
from support.runner import main


class TextTest(GettingTest):
    def fetch(self, *arguments):
        return self.get("--protocol", "text", *arguments)

    def assert_fetched_unverified(self, result, expected):
        self.assert_fetched(result, expected)
        self.assert_says_unverified(result, len(expected))

    def assert_says_unverified(self, result, files=1):
        self.assertEqual(files, len(re.findall(r"^fairlead: .*could not be verified", result.err, re.MULTILINE)), result.err)


class TheDaemon(TextTest):
    def setUp(self):
        super().setUp()
        self.content = self.write("大文件.bin", some_bytes(5 * MIB + 3))
        self.serve()

    def test_whole(self):
        self.assert_fetched_unverified(self.fetch(self.address("text"), "大文件.bin"), {"大文件.bin": self.content})

    def test_in_gbk(self):
        for encoding in "gbk", "gb18030":
            result = self.fetch("-e", encoding, "--if-exists", "overwrite", self.address("text"), "大文件.bin")
            self.assert_fetched_unverified(result, {"大文件.bin": self.content})

    def test_to_stdout(self):
        result = self.fetch("-o", "-", self.address("text"), "大文件.bin")
        self.assertEqual((0, self.content), (result.code, result.out))
        self.assert_says_unverified(result)

    def test_missing_and_empty_look_the_same(self):
        self.write("empty", b"")
        for name in "empty", "missing", ".hidden":
            self.assert_failed(self.fetch(self.address("text"), name), 52)
        self.assert_stored({})

    def test_reset(self):
        for at in 0, 1, MIB, len(self.content) - 1:
            with Relay(self.daemon.address("text"), every=[Fault(RESET, at)]) as relay:
                self.assert_failed(self.fetch("--retry", "0", relay.address, "大文件.bin"), 56)
        self.assert_stored({})

    def test_a_file_that_is_cut_short_while_it_is_sent(self):
        def cut_short():
            os.truncate(self.root / "大文件.bin", MIB)
        with Relay(self.daemon.address("text"), every=[Fault(CALL, 2 * MIB)], call=cut_short) as relay:
            self.assert_failed(self.fetch("--retry", "0", relay.address, "大文件.bin"), 56)
        self.assert_stored({})

    def test_an_end_too_early_is_what_could_not_be_verified(self):
        with Relay(self.daemon.address("text"), every=[Fault(CUT, MIB + 1)]) as relay:
            self.assert_fetched_unverified(self.fetch(relay.address, "大文件.bin"), {"大文件.bin": self.content[:MIB + 1]})

    def test_several(self):
        other = self.write("other", some_bytes(1000))
        result = self.fetch("-j", "1", self.address("text"), "大文件.bin", "missing", "other")
        self.assertEqual(52, result.code, result.err)
        self.assert_says_unverified(result, 2)
        self.assertEqual(1, result.err.count("/missing: "), result.err)
        self.assert_stored({"大文件.bin": self.content, "other": other})

    def test_an_existing_file_stays(self):
        (self.target / "大文件.bin").write_bytes(b"mine")
        self.assert_failed(self.fetch(self.address("text"), "大文件.bin"), 23)
        self.assert_stored({"大文件.bin": b"mine"})
        self.assert_failed(self.fetch("--if-exists", "overwrite", self.address("text"), "missing"), 52)
        self.assert_stored({"大文件.bin": b"mine"})


class TheTutorials(TextTest):
    def test_their_server_as_the_seeds_open_it(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairlead-tutorials-")))
        self.daemon = self.enterContext(tutorials.start(folder, own_ports=False))
        for encoding in "gbk", "utf-8":
            result = self.fetch("-e", encoding, "--if-exists", "overwrite", self.address("download"), tutorials.FILE_NAME)
            self.assert_fetched_unverified(result, {tutorials.FILE_NAME: tutorials.FILE})
        self.assert_failed(self.fetch(self.address("download"), "没有.txt"), 52)

    def test_the_bytes_of_the_name(self):
        def serve(server, connection):
            server.received.append(receive_until_end(connection))
            connection.sendall(b"content")
            connection.shutdown(socket.SHUT_WR)
        for arguments, sent in (([], "名".encode()), (["-e", "gbk"], "名".encode("gbk")), (["--boundary", "line"], "名\n".encode()),
                                (["-e", "utf-8", "--boundary", "none"], "名".encode())):
            with self.subTest(arguments=arguments), PlainServer(serve) as server:
                result = self.fetch("--if-exists", "overwrite", *arguments, server.address, "名")
                self.assert_fetched_unverified(result, {"名": b"content"})
                self.assertEqual([sent], server.received)

    def test_no_shutdown(self):
        """The tutorials' server would take the end of the stream for the client's leaving; this one asserts that none comes."""
        def serve(server, connection):
            server.received.append(receive_exactly(connection, len("名".encode())))
            connection.setblocking(False)
            try:
                server.received.append(connection.recv(1))
            except BlockingIOError:
                connection.setblocking(True)
                connection.sendall(b"content")
            connection.shutdown(socket.SHUT_WR)
        with PlainServer(serve) as server:
            self.assert_fetched_unverified(self.fetch("--no-shutdown", server.address, "名"), {"名": b"content"})

    def test_a_name_that_the_encoding_cannot_write(self):
        with PlainServer(lambda *_: None) as server:
            self.assert_failed(self.fetch("-e", "gbk", server.address, "😀.txt"), 2)

    def test_silence(self):
        with PlainServer(lambda _, connection: (connection.sendall(b"begin"), receive_until_end(connection))) as server:
            result = self.fetch("--no-shutdown", "--timeout", "300ms", "--retry", "0", server.address, "name")
            self.assert_failed(result, 28)
        self.assert_stored({})

    def test_reset_before_anything(self):
        def serve(_, connection):
            receive_until_end(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        with PlainServer(serve) as server:
            self.assert_failed(self.fetch("--retry", "0", server.address, "name"), 56)
        self.assert_stored({})


if __name__ == "__main__":
    main()
