"""What fairlead bench was told to send is what a server receives, and what must come back is looked at."""
import os
import re
import socket

from support.bench import GENTLE, BenchTest
from support.client import PlainServer, fairlead, hold
from support.line_server import LineServer
from support.runner import main


class Sent(BenchTest):
    def send(self, *words, connections=2, messages=20):
        """The lines that the server received."""
        with LineServer() as server:
            report = self.report("-c", str(connections), "-n", str(messages), *words, server.address)
        self.assert_counts(report, sent=messages, done=messages)
        return server.texts()

    def test_random_chinese_in_each_encoding(self):
        for encoding, size in (("utf-8", 3), ("gbk", 2), ("gb18030", 2)):
            with self.subTest(encoding):
                lines = self.send("-e", encoding, "-m", "第{n}号 {zh:20}")
                texts = [line.decode(encoding) for line in lines]
                self.assertEqual({str(number) for number in range(1, 21)}, {re.match("第(\\d+)号", text)[1] for text in texts})
                for line, text in zip(lines, texts):
                    self.assertRegex(text, "^第\\d+号 [\u4e00-\u9fa5]{20}$")
                    self.assertEqual(size * 22 + len(re.sub("[^ -~]", "", text)), len(line))
                self.assertEqual(20, len({text[-20:] for text in texts}), "all are different")

    def test_gbk_that_is_no_gbk_is_refused(self):
        result = self.bench("-e", "gbk", "-m", "😀", "127.0.0.1:1")
        self.assertEqual(2, result.code)
        self.assertEqual(1, len(result.err.splitlines()), result.err)

    def test_places(self):
        lines = self.send("-m", "{id} {seq} {n} {{}} {rand:3}", connections=3, messages=9)
        for number in range(9):
            connection, of_connection = number % 3 + 1, number // 3 + 1
            self.assertRegex(sorted(lines, key=lambda line: int(line.split()[2]))[number].decode(),
                             f"^{connection} {of_connection} {number + 1} {{}} [0-9A-Za-z]{{3}}$")

    def test_escapes(self):
        self.assertEqual({b"a\tb\\n\0\xff\x80"}, set(self.send("-m", r"a\tb\\n\0\xff\x80")))

    def test_several_take_turns(self):
        lines = self.send("-m", "one", "-m", "two", "-m", "three", connections=1, messages=7)
        self.assertEqual([b"one", b"two", b"three", b"one", b"two", b"three", b"one"], lines)

    def test_the_lines_of_a_file(self):
        path = self.folder / "lines"
        path.write_bytes("{id} \\n\r\n\n第二\nlast".encode())
        lines = self.send("-f", str(path), connections=1, messages=4)
        self.assertEqual([b"{id} \\n", "第二".encode(), b"last", b"{id} \\n"], lines)

    def test_the_lines_of_stdin(self):
        with LineServer() as server:
            result = fairlead("bench", "-q", "-c", "1", "-n", "4", *GENTLE, "-f", "-", server.address, stdin=b"one\ntwo\n")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual([b"one", b"two"] * 2, server.texts())

    def test_the_lines_of_a_socket_that_is_stdin(self):
        """Some programs give their children one. It cannot be opened again by a name."""
        ours, theirs = socket.socketpair()
        with ours, theirs, LineServer() as server:
            ours.sendall(b"one\ntwo\n")
            ours.shutdown(socket.SHUT_WR)
            result = fairlead("bench", "-q", "-c", "1", "-n", "4", *GENTLE, "-f", "-", server.address,
                              preexec=lambda: os.dup2(theirs.fileno(), 0))
        self.assertEqual(0, result.code, result.err)
        self.assertEqual([b"one", b"two"] * 2, server.texts())

    def test_a_folder_is_no_file(self):
        result = self.bench("-f", str(self.folder), "127.0.0.1:1")
        self.assertEqual(2, result.code)
        self.assertIn("cannot be read: Is a directory", result.err)

    def test_what_an_error_quotes_is_escaped_once(self):
        result = self.bench("-m", r"\q", "127.0.0.1:1")
        self.assertIn(r'''fairlead: bench: "\" at byte 1: "\\q" is no escape: there are \r \n \t \0 \\ and \xNN''', result.err)

    def test_a_whole_file(self):
        path = self.folder / "whole"
        path.write_bytes(b"one\n{id}\nthree\n")
        lines = self.send("-f", str(path), "--whole", connections=1, messages=2)
        self.assertEqual([b"one", b"{id}", b"three"] * 2, lines)

    def test_sizes(self):
        self.assertEqual({63}, set(map(len, self.send())), "64 bytes with the line's end")
        self.assertEqual({99}, set(map(len, self.send("-s", "100"))))
        sizes = set(map(len, self.send("-s", "10-200", messages=200)))
        self.assertTrue(min(sizes) >= 9 and max(sizes) <= 199 and len(sizes) > 50, sizes)

    def test_without_ends_of_lines(self):
        with PlainServer(echo) as server:
            report = self.report("-c", "1", "-n", "10", "--boundary", "none", "-m", "{n}", server.address)
        self.assert_counts(report, sent=10, done=10)
        self.assertEqual(b"12345678910", b"".join(server.received))


def echo(server, connection):
    while data := connection.recv(65536):
        server.received.append(data)
        connection.sendall(data)


class Expected(BenchTest):
    REPLY = b"+OK \xba\xc3\r\n"  # a word in GBK

    def ask(self, *words, reply=REPLY, other=None, first=b""):
        """Twenty messages, one connection; `other` is the reply to the second, the fourth ..."""
        def serve(server, connection):
            connection.sendall(first)
            while data := connection.recv(65536):
                server.received.append(data)
                connection.sendall(reply if other is None or len(server.received) % 2 else other)
        with PlainServer(serve) as server:
            return self.bench("-c", "1", *(() if "-n" in words else ("-n", "20")), *GENTLE, *words, server.address)

    def check(self, code, *words, done=20, **more):
        result = self.ask(*words, **more)
        self.assertEqual(code, result.code, result.err + result.text)
        self.assertEqual(done, result.report["counts"]["done"])
        return result

    def test_a_text(self):
        self.check(0, "-e", "gbk", "--expect", "+OK 好\\r\\n")
        self.check(0, "--expect", "+OK \\xba\\xc3\\r\\n")
        self.check(0, "--expect", "+OK", reply=b"+OK\n")

    def test_another_text(self):
        result = self.check(1, "-e", "gbk", "--expect", "+OK 好\\r\\n", other="+OK 坏\r\n".encode("gbk"), done=10)
        self.assert_counts(result.report, content=10)
        for word, number in ("first wrong: ", 2), ("then wrong:  ", 4), ("then wrong:  ", 6):
            self.assertIn(f"{word}reply {number} (number {number} of connection 0): wrong content, from byte 4 on", result.text)
        self.assertNotIn("reply 8 ", result.text)
        self.assertEqual([2, 4, 6], [wrong["number"] for wrong in result.report["first_mismatches"]])

    def test_a_pattern(self):
        self.check(0, "--expect", r"re:^\+OK ..\r?$")
        self.check(0, "--expect", r"re:OK", "--boundary", "auto", "-m", r"{n}\n", "-n", "3", done=3)

    def test_another_pattern(self):
        result = self.check(1, "--expect", r"re:^-ERR", reply=b"-ERR 1\n", other=b"+OK\n", done=10)
        self.assert_counts(result.report, content=10)
        self.assertIn("^-ERR", result.text)

    def test_a_length(self):
        self.check(0, "--expect", f"len:{len(self.REPLY)}")

    def test_another_length(self):
        result = self.check(1, "--protocol", "len32", "--expect", "len:5", reply=b"\0\0\0\5right", other=b"\0\0\0\6wrong!", done=10)
        self.assert_counts(result.report, length=10)

    def test_nothing(self):
        with PlainServer(lambda _, connection: hold(connection)) as server:
            result = self.bench("-c", "2", "-n", "20", *GENTLE, "--expect", "none", server.address)
        self.assertEqual(0, result.code, result.err)
        self.assert_counts(result.report, sent=20, done=20)

    def test_a_greeting_that_is_dropped(self):
        self.check(0, "--expect", "+OK", "--skip-greeting", reply=b"+OK\n", first=b"welcome\r\n")

    def test_a_greeting_that_nobody_asked_for(self):
        """Every connection begins with it, so none is of any use."""
        wrong = self.ask("--expect", "+OK", reply=b"+OK\n", first=b"welcome\r\n").report["counts"]
        self.assertEqual(0, wrong["done"])
        self.assertGreater(wrong["mismatches"]["unasked"] + wrong["mismatches"]["content"], 0)


if __name__ == "__main__":
    main()
