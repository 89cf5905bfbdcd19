"""fairlead get from a server that lies, in memory and by docs/protocol.md. Nothing may be stored that is not what its hashes say,
nothing outside the folder, and nothing the server says may keep the client or fill its memory for ever."""
import os
import resource
import struct

from support.client import PlainServer
from support.file_server import ALL, BEGIN, DATA, DIRECTORY, END, FILE, HASHES, LISTING, MIB, STATUS, FileServer, entry, \
    hashes_of, identity, listing
from support.getting import GettingTest, some_bytes
from support.peers import ERROR, MESSAGE, PREFACE, frame
from support.runner import main

# What may be said of a server that does not keep to the protocol; 56 where only the bytes are wrong.
NOT_TO_BE_TRUSTED = (1, 18, 36, 56)

NAMES = [b"../outside", b"/etc/outside", b"a/../../outside", b"..", b".", b"", b"/", b"//", b"a/b", b"a/", b"/a", b"a\0b", b"\0",
         b"x" * 256, b"\xff\xfe", b"a\xc0\xafb", b"../" * 20 + b"outside", "长".encode() * 86, b"a\xed\xa0\x80"]


class Listing(FileServer):
    """Lists what it is given, and gives any file."""

    def __init__(self, pages, content=b"content"):
        super().__init__()
        self.pages, self.content = pages, content

    def on_stat(self, reply, name):
        reply(STATUS, bytes([DIRECTORY]) + identity(b""))

    def on_list(self, reply, name, after, most):
        reply(LISTING, self.pages(name, after))

    def refuses(self, *_):
        return False

    def identity_of(self, name):
        return identity(self.content)

    def on_get(self, reply, name, *request):
        self.files[name] = self.content
        super().on_get(reply, name, *request)

    def on_hash(self, reply, name, *request):
        self.files[name] = self.content
        super().on_hash(reply, name, *request)


class HostileTest(GettingTest):
    def fetch(self, *arguments):
        """Whatever it is told, it does not take more memory than a fetch of something honest might."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        sanitized = os.environ.get("FAIRLEAD_SANITIZE")
        retry = [] if "--retry" in arguments else ["--retry", "0"]
        return self.get("-q", "--timeout", "2s", *retry, *arguments, preexec_fn=None if sanitized else limit)

    def stored(self):
        """Everything below the test's own folder but for the target itself."""
        return sorted(str(path.relative_to(self.base)) for path in self.base.rglob("*") if path not in (self.root, self.target))

    def assert_distrusted(self, result, codes=NOT_TO_BE_TRUSTED):
        self.assertIn(result.code, codes, result.err)
        self.assertRegex(result.err.splitlines()[-1], r"\Afairlead: ")
        self.assertFalse([name for name in self.stored() if not name.endswith((".part", ".part.info"))])


class Names(HostileTest):
    def test_names_that_lead_elsewhere(self):
        for kind in FILE, DIRECTORY:
            for name in NAMES:
                with self.subTest(kind=kind, name=name):
                    pages = [listing([entry(kind, name, 7)])]
                    server = self.enterContext(Listing(lambda *_: pages.pop() if pages else listing([])))
                    result = self.fetch("-r", server.address, "tree")
                    self.assert_failed(result, 1)
                    self.assertNotIn("outside", "".join(self.stored()))
                    self.assertLessEqual(set(self.stored()), {"target/tree"})

    def test_kinds_that_do_not_exist(self):
        for kind in 0, 3, 255:
            server = self.enterContext(Listing(lambda *_: listing([entry(kind, b"strange", 7)])))
            self.assertNotEqual(0, self.fetch("-r", server.address, "tree").code)
            self.assertLessEqual(set(self.stored()), {"target/tree"})

    def test_listings_without_end(self):
        same = listing([entry(FILE, b"%04d" % number, 7) for number in range(100)], more=True)
        backwards = iter(range(10**9, 0, -1))
        for name, pages in (("the same page", lambda *_: same),
                            ("an empty page", lambda *_: listing([], more=True)),
                            ("backwards", lambda *_: listing([entry(FILE, b"%010d" % next(backwards), 7)], more=True)),
                            ("the same entry twice", lambda *_: listing([entry(FILE, b"twice", 7)] * 2)),
                            ("a directory in each directory", lambda *_: listing([entry(DIRECTORY, b"d")]))):
            with self.subTest(name):
                server = self.enterContext(Listing(pages))
                result = self.fetch("-r", "-O", str(self.target), server.address, "tree")
                self.assertNotEqual(0, result.code)
                self.assertLess(len(server.asked), 5000)

    def test_torn_listings(self):
        whole = listing([entry(FILE, b"name", 7), entry(FILE, b"other", 7)])
        for payload in (b"", whole[:2], whole[:-1], whole[:10], struct.pack(">BH", 0, 65535), b"\2" + whole[1:], whole + b"x"):
            with self.subTest(payload=payload):
                server = self.enterContext(Listing(lambda *_: payload))
                self.assertNotEqual(0, self.fetch("-r", server.address, "tree").code)
                self.assertLessEqual(set(self.stored()), {"target/tree"})


class Contents(HostileTest):
    CONTENT = some_bytes(2 * MIB + 100)

    def serve_lies(self, **lies):
        """A server in which these methods lie; they are given what on_...() are, without self."""
        server = self.enterContext(FileServer({b"file": self.CONTENT}))
        for name, lie in lies.items():
            setattr(server, name, lie)
        self.server = server
        return server

    def begin(self, reply, offset, length):
        reply(BEGIN, identity(self.CONTENT) + struct.pack(">QQ", offset, length))

    def check(self, codes=NOT_TO_BE_TRUSTED, retries=0, **lies):
        server = self.serve_lies(**lies)
        self.assert_distrusted(self.fetch("--retry", str(retries), server.address, "file"), codes)
        self.empty_target()

    def check_harmless(self, **lies):
        """Where the bytes are right and a lie is told beside them, they may be taken: what is trusted is the hashes."""
        server = self.serve_lies(**lies)
        result = self.fetch(server.address, "file")
        if result.code == 0:
            self.assert_stored({"file": self.CONTENT})
        else:
            self.assert_distrusted(result)

    def test_hashes_that_are_never_right(self):
        self.check((56,), on_hash=lambda reply, name, first, most, _: reply(
            HASHES, identity(self.CONTENT) + hashes_of(self.CONTENT[::-1], first, most)))

    def test_bytes_that_are_never_right(self):
        self.check((56,), bytes_of=lambda _: self.CONTENT[::-1])

    def test_only_verified_bytes_reach_stdout(self):
        for wrong_at in 0, MIB + 5, len(self.CONTENT) - 1:
            damaged = bytearray(self.CONTENT)
            damaged[wrong_at] ^= 1
            for split in "1", "4":
                server = self.serve_lies(bytes_of=lambda _: damaged)
                result = self.fetch("-o", "-", "--split", split, server.address, "file")
                self.assertEqual(56, result.code, result.err)
                self.assertTrue(self.CONTENT[:wrong_at // MIB * MIB].startswith(result.out))

    def test_more_bytes_than_were_said(self):
        def lie(reply, name, offset, length, _):
            self.begin(reply, offset, 100)
            reply(DATA, self.CONTENT[offset:offset + 101])
            reply(END, struct.pack(">Q", 101))
        self.check(on_get=lie)

    def test_bytes_without_end(self):
        def lie(reply, name, offset, length, _):
            self.begin(reply, offset, len(self.CONTENT) - offset)
            while True:
                reply(DATA, bytes(1 << 15))
        self.check(retries=1, on_get=lie)

    def test_fewer_bytes_than_were_said(self):
        def lie(reply, name, offset, length, _):
            self.begin(reply, offset, len(self.CONTENT) - offset)
            reply(DATA, self.CONTENT[:1000])
            reply(END, struct.pack(">Q", 1000))
        self.check(retries=1, on_get=lie)

    def test_an_end_that_says_another_number(self):
        def lie(reply, name, offset, length, _):
            part = self.CONTENT[offset:offset + length]
            self.begin(reply, offset, len(part))
            self.server.send_data(reply, name, part)
            reply(END, struct.pack(">Q", len(part) + 1))
        self.check_harmless(on_get=lie)

    def test_another_version_than_was_asked_for(self):
        self.check_harmless(on_get=lambda reply, name, offset, length, _: (
            reply(BEGIN, identity(self.CONTENT, inode=2) + struct.pack(">QQ", offset, len(self.CONTENT) - offset)),
            self.server.send_data(reply, name, self.CONTENT[offset:]),
            reply(END, struct.pack(">Q", len(self.CONTENT) - offset))))

    def test_another_place_than_was_asked_for(self):
        def lie(reply, name, offset, length, _):
            self.begin(reply, offset + 1, 10)
            reply(DATA, bytes(10))
            reply(END, struct.pack(">Q", 10))
        self.check(on_get=lie)

    def test_sizes_beyond_all_disks(self):
        for size in 1 << 44, (1 << 63) - 1, 1 << 63, ALL:
            with self.subTest(size=size):
                enormous = struct.pack(">QQQqq", 1, 1, size, 10**18, 10**18)

                def get(reply, name, offset, length, _):
                    reply(BEGIN, enormous + struct.pack(">QQ", offset, size))
                    raise ConnectionError

                def hashes(reply, name, first, most, _):
                    reply(HASHES, enormous + hashes_of(self.CONTENT, first, most))
                self.check((*NOT_TO_BE_TRUSTED, 23), on_get=get, on_hash=hashes, identity_of=lambda _: enormous)

    def test_wrong_hashes_frames(self):
        right = hashes_of(self.CONTENT)
        for payload in (b"", right[:-1], right[:44], right + bytes(32), struct.pack(">I", 0) + right[4:],
                        struct.pack(">I", 1) + right[4:], right[:36] + struct.pack(">QI", 1, 3) + right[48:],
                        right[:44] + struct.pack(">I", 0xffffffff) + right[48:], right[:44] + struct.pack(">I", 0)):
            with self.subTest(payload=payload[:60]):
                self.check(on_hash=lambda reply, *_: reply(HASHES, identity(self.CONTENT) + payload))

    def test_torn_begins(self):
        for payload in b"", bytes(55), bytes(40):
            self.check(on_get=lambda reply, *_: reply(BEGIN, payload))

    def test_answers_out_of_place(self):
        for kind, payload in (DATA, b"early"), (END, bytes(8)), (LISTING, listing([])), (STATUS, b"\1" + bytes(40)), (0x3f, b""):
            with self.subTest(kind=kind):
                self.check(on_get=lambda reply, *_: reply(kind, payload))

    def test_words_that_are_no_words(self):
        """What a server says is shown escaped, in one line."""
        self.check((1, 18, 56, 78), on_get=lambda reply, *_: reply(ERROR, struct.pack(">I", 21) + b"\x1b[2J\nfairlead: lies\r\n"))
        result = self.fetch(self.server.address, "file")
        self.assertNotRegex(result.err, r"[\x1b\r]|\nfairlead: lies")

    def test_what_is_not_the_protocol(self):
        for words in (PREFACE + b"\xff\xff\xff\xff" + frame(DATA)[4:], PREFACE + frame(DATA), PREFACE + frame(MESSAGE, flags=1),
                      b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            with self.subTest(words=words), PlainServer(lambda _, connection: connection.sendall(words)) as server:
                self.assert_distrusted(self.fetch(server.address, "file"))


if __name__ == "__main__":
    main()
