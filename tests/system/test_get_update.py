"""fairlead get of what is here already, and of what its user knows something about: hashes, times, folders."""
import hashlib
import os
import re
import socket
import subprocess
import tempfile

from support.client import PlainServer, fairlead
from support.file_server import GET, HASHES, FileServer, hashes_of
from support.getting import MIB, GettingTest, some_bytes
from support.injection import skip_without_strace
from support.peers import receive_until_end
from support.runner import main
from support.waiting import DEADLINE

MTIME = 10**18  # of the FileServer's files


class Update(GettingTest):
    def setUp(self):
        super().setUp()
        self.content = some_bytes(6 * MIB + 100)
        self.server = self.enterContext(FileServer({b"file": self.content, b"empty": b""}))
        self.file = self.target / "file"

    def update(self, *names, more=()):
        self.server.sent = 0
        self.server.asked.clear()
        result = self.get("--if-exists", "update", *more, self.server.address, *(names or ["file"]))
        self.assertEqual((0, b""), (result.code, result.out), result.err)
        return result

    def test_what_is_not_here(self):
        self.update("file", "empty")
        self.assert_stored({"file": self.content, "empty": b""})

    def test_what_is_the_same(self):
        self.file.write_bytes(self.content)
        (self.target / "empty").write_bytes(b"")
        before = self.file.stat()
        for more in [], ["--split", "4"]:
            result = self.update("file", "empty", more=more)
            self.assertEqual(0, self.server.count(GET))
            self.assertEqual(2, result.err.count("is up to date"), result.err)
        self.assert_stored({"file": self.content, "empty": b""})
        self.assertEqual((before.st_ino, before.st_mtime_ns), (self.file.stat().st_ino, self.file.stat().st_mtime_ns))

    def test_what_differs(self):
        changed = bytearray(self.content)
        changed[3 * MIB + 5] ^= 1
        other = some_bytes(4 * MIB, "other")
        for old, most in ((changed, MIB), (self.content[:2 * MIB + 7], 5 * MIB), (self.content + b"more", MIB), (b"", 7 * MIB),
                          (other, 7 * MIB)):
            with self.subTest(size=len(old)):
                self.file.write_bytes(old)
                self.file.chmod(0o600)
                self.update()
                self.assert_stored({"file": self.content})
                self.assertLessEqual(self.server.sent, most)
                self.assertEqual(0o600, self.file.stat().st_mode & 0o777)

    def test_a_file_of_several_pages_of_hashes(self):
        class Pages(FileServer):
            def on_hash(self, reply, name, first, most, wanted):
                if not self.refuses(reply, name, wanted):
                    reply(HASHES, self.identity_of(name) + hashes_of(self.files[name], first, 2))
        self.server = self.enterContext(Pages({b"file": self.content}))
        changed = bytearray(self.content)
        changed[-1] ^= 1
        for old, sent in (self.content, 0), (changed, 100):
            self.file.write_bytes(old)
            self.update()
            self.assert_stored({"file": self.content})
            self.assertEqual(sent, self.server.sent)

    def test_what_is_no_regular_file(self):
        self.file.symlink_to("elsewhere")
        self.assert_failed(self.get("--if-exists", "update", self.server.address, "file"), 23)
        self.assertTrue(self.file.is_symlink())

    def test_a_tree(self):
        files = {f"tree/{number}": some_bytes(1000, number) for number in range(20)}
        self.server.files.update({name.encode(): content for name, content in files.items()})
        self.update("tree", more=["-r"])
        self.server.files[b"tree/7"] = files["tree/7"] = b"newer"
        self.update("tree", more=["-r", "-j", "3"])
        self.assert_stored(files)
        self.assertEqual([(GET, b"tree/7")], [asked for asked in self.server.asked if asked[0] == GET])

    def test_a_plain_server_cannot(self):
        self.assert_failed(self.get("--protocol", "text", "--if-exists", "update", self.server.address, "file"), 2)


class Sums(GettingTest):
    def setUp(self):
        super().setUp()
        self.content = some_bytes(3 * MIB + 100)
        self.sum = hashlib.sha256(self.content).hexdigest()
        self.files = {"file": self.content, "empty": b"", "new\nline\\": b"odd"}
        self.server = self.enterContext(FileServer({name.encode(): content for name, content in self.files.items()}))

    def test_the_right_one(self):
        for more in [], ["--split", "3"], ["--limit-rate", "100m"]:
            result = self.get("-q", "--sha256", self.sum.upper(), "--if-exists", "overwrite", *more, self.server.address, "file")
            self.assert_fetched(result, {"file": self.content})
        result = self.get("-q", "-o", "-", "--sha256", self.sum, self.server.address, "file")
        self.assertEqual((0, self.content), (result.code, result.out), result.err)

    def test_what_is_resumed(self):
        (self.target / "file.part").write_bytes(self.content[:MIB])
        self.assert_fetched(self.get("-q", "--sha256", self.sum, self.server.address, "file"), {"file": self.content})

    def test_another_one(self):
        result = self.get("-q", "--sha256", 64 * "0", self.server.address, "file")
        self.assert_failed(result, 1)
        self.assertIn(self.sum, result.err)
        self.assertEqual(0, self.server.count(GET), "nothing was fetched for it")
        self.assertFalse((self.target / "file").exists())

    def test_a_server_whose_hashes_contradict_each_other(self):
        class Lying(FileServer):
            def on_hash(self, reply, name, first, most, wanted):
                told = hashes_of(self.files[name], first, most)
                reply(HASHES, self.identity_of(name) + told[:4] + bytes(32) + told[36:])
        server = self.enterContext(Lying({b"file": self.content}))
        self.assert_failed(self.get("-q", "--sha256", 64 * "0", server.address, "file"), 56)
        self.assertFalse((self.target / "file").exists())

    def test_no_sum(self):
        for words in ["--sha256", "12"], ["--sha256", 64 * "g"], ["--sha256", self.sum, "-r"]:
            self.assert_failed(self.get(*words, self.server.address, "file"), 2)
        self.assert_failed(self.get("--sha256", self.sum, self.server.address, "file", "empty"), 2)

    def test_printed(self):
        result = self.get("-q", "--print-sha256", self.server.address, *self.files)
        self.assertEqual(0, result.code, result.err)
        checked = subprocess.run(["sha256sum", "--strict", "-c"], input=result.out, cwd=self.target, capture_output=True)
        self.assertEqual((0, 3), (checked.returncode, checked.stdout.count(b": OK\n")), checked)
        self.assert_failed(self.get("--print-sha256", "-o", "-", self.server.address, "file"), 2)
        with open("/dev/full", "wb") as full:
            process = self.start("-q", "--print-sha256", "--if-exists", "overwrite", self.server.address, "file", stdout=full)
            process.wait(DEADLINE)
        self.assertEqual(23, process.returncode)
        self.assertRegex(process.stderr.read(), rb"\Afairlead: [^\n]+ stdout: [^\n]+\n\Z")

    def test_of_a_plain_server(self):
        def serve(_, connection):
            receive_until_end(connection)
            connection.sendall(self.content)
            connection.shutdown(socket.SHUT_WR)
        server = self.enterContext(PlainServer(serve))
        result = self.get("--protocol", "text", "--sha256", self.sum, "--print-sha256", server.address, "file")
        self.assertEqual((0, f"{self.sum}  file\n"), (result.code, result.text), result.err)
        self.assertNotIn("verified", result.err)
        self.assert_stored({"file": self.content})
        self.assert_failed(self.get("-q", "--protocol", "text", "--sha256", 64 * "0", "-o", "other", server.address, "file"), 1)
        self.assert_stored({"file": self.content})


class Chosen(GettingTest):
    """Which names are fetched."""

    def setUp(self):
        super().setUp()
        self.files = {name: some_bytes(100, name) for name in ("tree/a.log", "tree/b.txt", "tree/tmp/c.log", "tree/deep/文.log", "d")}
        self.server = self.enterContext(FileServer({name.encode(): content for name, content in self.files.items()}))

    def check(self, arguments, names, **options):
        with self.subTest(arguments=arguments):
            result = self.get("-q", *arguments, **options)
            self.assert_fetched(result, {name: self.files[name] for name in names})
            folders = {str(path.relative_to(self.target)) for path in self.target.rglob("*") if path.is_dir()}
            self.empty_target()
            return folders

    def test_include_and_exclude(self):
        address = self.server.address
        self.assertEqual({"tree", "tree/deep"}, self.check(
            ["-r", "--include", "*.log", "--exclude", "tmp", address, "tree"], ["tree/a.log", "tree/deep/文.log"]))
        self.check(["-r", "--include", "*.txt", "--include", "文*", address, "tree"], ["tree/b.txt", "tree/deep/文.log"])
        self.assertEqual({"tree"}, self.check(
            ["-r", "--exclude", "deep/*", "--exclude", "tmp", "--exclude", "deep", address, "tree"], ["tree/a.log", "tree/b.txt"]))
        self.check(["-r", "--include", "d", address, "d", "tree"], ["d"])
        self.assert_failed(self.get("--include", "*", address, "d"), 2)

    def test_names_from_a_file(self):
        address = self.server.address
        names = self.base / "names"
        names.write_bytes(b"tree/a.log\r\n\nd")
        stored = {"a.log": "tree/a.log", "d": "d", "b.txt": "tree/b.txt"}
        for arguments, options in ((["--names-from", str(names), address, "tree/b.txt"], {}),
                                   (["--names-from", "-", address, "tree/b.txt"], {"stdin": names.open("rb")})):
            result = self.get("-q", *arguments, **options)
            self.assert_fetched(result, {name: self.files[remote] for name, remote in stored.items()})
            self.empty_target()
            if options:
                options["stdin"].close()
        self.assert_failed(self.get("--names-from", str(self.base / "missing"), address), 2)
        self.assert_failed(self.get("--names-from", str(self.base), address), 2)
        names.write_bytes(b"tree/../d\n")
        self.assert_failed(self.get("--names-from", str(names), address), 2)

    def test_names_of_plain_servers_are_their_own_affair(self):
        def serve(server, connection):
            server.received.append(receive_until_end(connection))
            connection.sendall(b"content")
            connection.shutdown(socket.SHUT_WR)
        server = self.enterContext(PlainServer(serve))
        names = ["./a", "/etc/b", "c//d", "../e", "C:\\f"]
        result = self.get("-q", "--protocol", "text", server.address, *names)
        self.assert_fetched(result, dict.fromkeys(["a", "b", "d", "e", "C:\\f"], b"content"))
        for name in "..", "a/", "/":
            self.assert_failed(self.get("-q", "--protocol", "text", server.address, name), 2)
            result = self.get("-q", "--protocol", "text", "-o", "-", server.address, name)
            self.assertEqual((0, b"content"), (result.code, result.out))
        self.assertEqual([name.encode() for name in [*names, "..", "a/", "/"]], server.received)


class Stored(GettingTest):
    def setUp(self):
        super().setUp()
        self.files = {f"tree/{number}": some_bytes(100, number) for number in range(10)}
        self.server = self.enterContext(FileServer({name.encode(): content for name, content in self.files.items()}))

    def test_the_time(self):
        self.assert_fetched(self.get("-q", "-r", "--keep-time", self.server.address, "tree"), self.files)
        self.assertEqual({MTIME}, {path.stat().st_mtime_ns for path in self.target.glob("tree/*")})
        self.get("-q", "-r", "--if-exists", "overwrite", self.server.address, "tree")
        self.assertNotIn(MTIME, {path.stat().st_mtime_ns for path in self.target.glob("tree/*")})

    def test_the_time_before_1970(self):
        self.write("old", b"old")
        os.utime(self.root / "old", ns=(0, -1_500_000_000))
        self.serve()
        self.assert_fetched(self.get("-q", "--keep-time", self.address(), "old"), {"old": b"old"})
        self.assertEqual(-1_500_000_000, (self.target / "old").stat().st_mtime_ns)

    def test_the_folder(self):
        self.assert_failed(self.get("-O", "a/b", self.server.address, "tree/1"), 23)
        self.assert_fetched(self.get("-q", "--create-dirs", "-O", "a/b", self.server.address, "tree/1"), {"a/b/1": self.files["tree/1"]})
        result = self.get("-q", "--create-dirs", "-o", "a/c/2", self.server.address, "tree/2")
        self.assert_fetched(result, {"a/b/1": self.files["tree/1"], "a/c/2": self.files["tree/2"]})
        self.assert_failed(self.get("--create-dirs", "-O", "a/b/1/d", self.server.address, "tree/1"), 23)

    def test_how_often_the_disk_is_waited_for(self):
        """Once for each file, and once for each of the two folders."""
        skip_without_strace()
        self.server.files[b"tree/sub/file"] = self.files["tree/sub/file"] = b"deep"
        for more, syncs in ([], len(self.files) + 2), (["--no-sync"], 0):
            with tempfile.NamedTemporaryFile(mode="r") as trace:
                under = ["strace", "-f", "-qq", "-o", trace.name, "-e", "trace=fsync,fdatasync,sync,syncfs"]
                self.assert_fetched(self.get("-q", "-r", *more, self.server.address, "tree", under=under), self.files)
                self.assertEqual(syncs, len(re.findall(r"sync\(", trace.read())))
            self.empty_target()

    def test_a_list_whose_reader_has_seen_enough(self):
        """As `ls -r | head -1`."""
        reader, writer = os.pipe()
        os.close(reader)
        result = fairlead("ls", "-r", self.server.address, stdout=writer)
        os.close(writer)
        self.assertEqual((-13, ""), (result.code, result.err))


if __name__ == "__main__":
    main()
