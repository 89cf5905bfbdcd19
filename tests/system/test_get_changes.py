"""fairlead get of a file that changes between two attempts or during one: what is stored is one version that has existed."""
import collections
import os

from support.daemon import socket_address
from support.file_server import FileServer, identity
from support.getting import MIB, GettingTest, sha256, some_bytes
from support.relay import CALL, CUT, Fault, Relay
from support.runner import main

OLD = some_bytes(5 * MIB + 1000, "old")
HALF = len(OLD) // 2
REPLACED = some_bytes(4 * MIB, "replaced")
HEAD = some_bytes(MIB + 5, "head")


# Makes another version of the file at a path; `content` is what it holds then.
Change = collections.namedtuple("Change", "content make")


def _replace(path):
    new = path.with_name("new")
    new.write_bytes(REPLACED)
    os.rename(new, path)


def _append(path):
    with open(path, "ab") as file:
        file.write(b"more")


def _overwrite(path):
    with open(path, "r+b") as file:
        file.write(HEAD)


def _overwrite_unseen(path):
    """Size and mtime stay as they were."""
    found = os.stat(path)
    _overwrite(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


CHANGES = {
    "replaced": Change(REPLACED, _replace),
    "appended": Change(OLD + b"more", _append),
    "truncated": Change(OLD[:HALF], lambda path: os.truncate(path, HALF)),
    "emptied": Change(b"", lambda path: os.truncate(path, 0)),
    "overwritten": Change(HEAD + OLD[len(HEAD):], _overwrite),
    "overwritten unseen": Change(HEAD + OLD[len(HEAD):], _overwrite_unseen),
}


class Changing(GettingTest):
    def setUp(self):
        super().setUp()
        self.path = self.root / "file"
        self.path.write_bytes(OLD)
        self.serve()

    def each(self, check):
        for name, change in CHANGES.items():
            with self.subTest(change=name):
                self.path.unlink()
                self.path.write_bytes(OLD)
                check(change)
                self.empty_target()

    def fetch_half(self):
        with Relay(self.daemon.address(), every=[Fault(CUT, HALF)]) as relay:
            self.assert_failed(self.get("--retry", "0", relay.address, "file"), 18)
        self.assertTrue((self.target / "file.part").exists())

    def test_between_two_attempts(self):
        def check(change):
            self.fetch_half()
            change.make(self.path)
            result = self.get(self.address(), "file")
            self.assert_fetched(result, {"file": change.content})
            self.assertEqual(1, sum("changed" in line for line in result.err.splitlines()), result.err)
        self.each(check)

    def test_refused_between_two_attempts(self):
        def check(change):
            self.fetch_half()
            change.make(self.path)
            self.assert_failed(self.get("--no-restart", self.address(), "file"), 36)
            self.assertFalse((self.target / "file").exists())
            self.assert_fetched(self.get(self.address(), "file"), {"file": change.content})
        self.each(check)

    def during(self, change, *options):
        """The change comes before the middle of the file is forwarded; both versions then have existed."""
        with Relay(self.daemon.address(), [[Fault(CALL, HALF)]], call=lambda: change.make(self.path)) as relay:
            result = self.get("-q", *options, relay.address, "file")
            self.assertEqual(1, len(relay.struck))
        return result

    def test_during_an_attempt(self):
        def check(change):
            result = self.during(change)
            self.assertEqual(0, result.code, result.err)
            self.assertIn(sha256((self.target / "file").read_bytes()), (sha256(OLD), sha256(change.content)))
            self.assertEqual(["file"], [path.name for path in self.target.iterdir()])
        self.each(check)

    def test_refused_during_an_attempt(self):
        def check(change):
            self.assert_failed(self.during(change, "--no-restart"), 36)
            self.assertFalse((self.target / "file").exists())
        self.each(check)

    def test_gone_between_two_attempts(self):
        self.fetch_half()
        self.path.unlink()
        self.assert_failed(self.get(self.address(), "file"), 78)
        self.assertFalse((self.target / "file").exists())


class Unseen(GettingTest):
    """Changes that no server can see, or that never end, played by one in memory."""

    def test_another_content_under_the_same_identity(self):
        content = bytearray(OLD)
        server = self.enterContext(FileServer({b"file": content}))
        with Relay(socket_address(server.address), every=[Fault(CUT, HALF)]) as relay:
            self.assert_failed(self.get("--retry", "0", relay.address, "file"), 18)
        content[:len(HEAD)] = HEAD
        self.assert_fetched(self.get(server.address, "file"), {"file": bytes(content)})

    def test_the_same_content_under_another_identity(self):
        """What is here already is kept, because its hashes agree."""
        server = self.enterContext(FileServer({b"file": OLD}))
        with Relay(socket_address(server.address), every=[Fault(CUT, HALF)]) as relay:
            self.assert_failed(self.get("--retry", "0", relay.address, "file"), 18)
        server.identity_of = lambda name: identity(OLD, inode=2, mtime_ns=2 * 10**18)
        server.sent = 0
        self.assert_fetched(self.get("-q", server.address, "file"), {"file": OLD})
        self.assertLess(server.sent, HALF + 2 * MIB)

    def test_without_end(self):
        class Restless(FileServer):
            """Another version, with other bytes, after each answer."""
            version = 0

            def identity_of(self, name):
                return identity(self.files[name], mtime_ns=10**18 + self.version)

            def on_get(self, reply, name, *request):
                super().on_get(reply, name, *request)
                self.change(name)

            def on_hash(self, reply, name, *request):
                super().on_hash(reply, name, *request)
                self.change(name)

            def change(self, name):
                self.version += 1
                self.files[name] = some_bytes(MIB, self.version)
        server = self.enterContext(Restless({b"file": some_bytes(MIB)}))
        result = self.get("-q", server.address, "file")
        self.assertEqual(36, result.code, result.err)
        self.assertFalse((self.target / "file").exists())


if __name__ == "__main__":
    main()
