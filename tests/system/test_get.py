"""fairlead get: what is fetched is the file, byte for byte, whatever its size, its name, and the way it was asked for."""
import os

from support.client import deaf_port, fairlead, unused_port
from support.daemon import Daemon
from support.getting import CONFIG, MIB, GettingTest, sha256, some_bytes
from support.runner import main

CHINESE = "下载/大文件 (终稿).bin"
LONGEST = ["x" * 255, "长" * 85, "长" * 84 + "abc", "長" * 84 + "a.c"]  # of 255 bytes each


class Whole(GettingTest):
    def test_sizes(self):
        files = {f"{size}.bin": self.write(f"{size}.bin", some_bytes(size)) for size in
                 (0, 1, 1000, MIB - 1, MIB, MIB + 1, 5 * MIB + 12345)}
        self.serve()
        self.assert_fetched(self.get(self.address(), *files), files)

    def test_names(self):
        names = [CHINESE, "a b", "-dash", "文件.txt", "%s%n", "quote\"'`$x", "new\nline", "\x1b[31mred\x7f", *LONGEST]
        files = {name: self.write(name, some_bytes(2000, name)) for name in names}
        self.serve()
        result = self.get(self.address(), "--", *files)
        self.assert_fetched(result, {os.path.basename(name): content for name, content in files.items()})
        self.assertNotIn("\x1b", result.err)

    def test_names_like_those_of_its_own_files(self):
        """What is called as another's temporary file would be: all of it, or it is said that it could not be had."""
        files = {name: self.write(name, some_bytes(2 * MIB + 100, name)) for name in ("a", "a.part", "a.part.info")}
        self.serve()
        for jobs in "1", "3":
            for names in list(files), list(files)[::-1]:
                with self.subTest(jobs=jobs, names=names):
                    result = self.get("-q", "-j", jobs, self.address(), *names)
                    stored = {name: content for name, content in files.items() if f"{name}: " not in result.err}
                    self.assertEqual(len(files) - len(stored), len(result.err.splitlines()), result.err)
                    self.assertEqual(0 if stored == files else 23, result.code)
                    for name, content in stored.items():
                        self.assertTrue((self.target / name).exists(), f"{name} was stored, and taken for another's")
                        self.assertEqual(sha256(content), sha256((self.target / name).read_bytes()), name)
                    self.empty_target()

    def test_into_a_directory(self):
        content = self.write("sub/file", some_bytes(3000))
        self.serve()
        (self.target / "deep").mkdir()
        self.assert_fetched(self.get("-O", "deep", self.address(), "sub/file"), {"deep/file": content})
        self.assert_fetched(self.get("-O", str(self.target), self.address(), "sub/file", cwd="/"),
                            {"deep/file": content, "file": content})

    def test_under_another_name(self):
        content = self.write("sub/file", some_bytes(MIB + 1))
        self.serve()
        (self.target / "deep").mkdir()
        self.assert_fetched(self.get("-o", "deep/另一个", self.address(), "sub/file"), {"deep/另一个": content})
        self.assert_fetched(self.get("-o", str(self.target / "absolute"), self.address(), "sub/file", cwd="/"),
                            {"deep/另一个": content, "absolute": content})

    def test_to_stdout(self):
        for size in 0, 1, 3 * MIB + 7:
            for split in "1", "4":
                with self.subTest(size=size, split=split):
                    content = self.write("file", some_bytes(size))
                    if not hasattr(self, "daemon"):
                        self.serve()
                    result = self.get("-o", "-", "--split", split, self.address(), "file")
                    self.assertEqual((0, sha256(content)), (result.code, sha256(result.out)), result.err)
                    self.assert_stored({})

    def test_one_file_by_several_connections(self):
        files = {name: self.write(name, some_bytes(size)) for name, size in
                 (("empty", 0), ("small", 10), ("big", 7 * MIB + 1))}
        self.serve()
        for split in "2", "4", "16":
            self.assert_fetched(self.get("--split", split, "--if-exists", "overwrite", self.address(), *files), files)

    def test_several_files_at_once(self):
        files = {f"f{number}": self.write(f"f{number}", some_bytes(number * 100_001, number)) for number in range(12)}
        self.serve()
        for jobs in "1", "4", "16":
            self.assert_fetched(self.get("-j", jobs, "--if-exists", "overwrite", self.address(), *files), files)


class Trees(GettingTest):
    def setUp(self):
        super().setUp()
        self.files = {name: self.write(name, content) for name, content in (
            ("top", b"at the top"), ("树/empty", b""), ("树/one", b"1"), ("树/中/下/big", some_bytes(2 * MIB + 3)),
            *((f"树/{name}", some_bytes(100, name)) for name in LONGEST), ("树/" + 255 * "d" + "/inside", b"in"))}
        (self.root / "树" / "nothing" / "in it").mkdir(parents=True)
        self.serve()

    def directories(self, below):
        return {str(path.relative_to(below)) for path in below.rglob("*") if path.is_dir()}

    def test_below_a_directory(self):
        for jobs in "1", "4":
            result = self.get("-r", "-j", jobs, "--if-exists", "overwrite", self.address(), "树")
            self.assert_fetched(result, {name: content for name, content in self.files.items() if name != "top"})
            self.assertEqual(self.directories(self.root / "树"), self.directories(self.target / "树"))

    def test_below_a_directory_of_a_directory(self):
        self.assert_fetched(self.get("-r", self.address(), "树/中"), {"中/下/big": self.files["树/中/下/big"]})

    def test_everything(self):
        for root in "", ".":
            self.assert_fetched(self.get("-r", "--if-exists", "overwrite", self.address(), root), self.files)
            self.assertEqual(self.directories(self.root), self.directories(self.target))

    def test_a_file(self):
        self.assert_fetched(self.get("-r", self.address(), "top"), {"top": b"at the top"})

    def test_a_directory_needs_the_option(self):
        result = self.get("-q", self.address(), "树", "top")
        self.assert_failed(result, 78)
        self.assert_stored({"top": b"at the top"})

    def test_loops_of_links(self):
        """A link to a directory that it is in is not entered, so each file comes once."""
        self.daemon = self.enterContext(Daemon(CONFIG.format(root=self.root, more="symlinks = yes")))
        content = self.write("loop/file", b"once")
        os.symlink(".", self.root / "loop" / "self")
        os.symlink("../loop", self.root / "loop" / "up")
        os.symlink("..", self.root / "loop" / "root")
        listed = fairlead("ls", "-r", self.address(), "loop")
        self.assertEqual((0, "loop/file\n"), (listed.code, listed.text), listed.err)
        self.assert_fetched(self.get("-q", "-r", self.address(), "loop"), {"loop/file": content})

    def test_more_entries_than_a_page(self):
        files = {f"many/{number}": self.write(f"many/{number}", b"%d" % number) for number in range(2500)}
        self.assert_fetched(self.get("-r", "-j", "2", "-q", self.address(), "many"), files)


class Failing(GettingTest):
    def test_missing(self):
        self.serve()
        for name in "missing", "missing/too", ".hidden", "a\nb":
            self.assert_failed(self.get(self.address(), name), 78)
        self.assert_failed(self.get("-o", "-", self.address(), "missing"), 78)
        self.assert_failed(self.get("-r", self.address(), "missing"), 78)
        self.assert_stored({})

    def test_the_others_are_fetched(self):
        files = {name: self.write(name, some_bytes(5000, name)) for name in ("one", "two")}
        self.serve()
        result = self.get("-q", "-j", "1", self.address(), "one", "missing", "two")
        self.assert_failed(result, 78)
        self.assert_stored(files)

    def test_a_line_for_each_and_the_code_of_the_first(self):
        (self.target / "there").write_bytes(b"mine")
        self.write("there", b"theirs")
        self.serve()
        for names, code in (("missing", "there"), 78), (("there", "missing"), 23):
            result = self.get("-j", "1", self.address(), *names)
            self.assertEqual(code, result.code, result.err)
            self.assertRegex(result.err, r"\A(fairlead: [^\n]+\n){2}\Z")
        self.assert_stored({"there": b"mine"})

    def test_wrong_command_lines(self):
        for arguments in ([], ["127.0.0.1:1"], ["-o", "x", "127.0.0.1:1", "a", "b"], ["-o", "-", "127.0.0.1:1", "a", "b"],
                          ["-j", "0", "127.0.0.1:1", "a"], ["-j", "17", "127.0.0.1:1", "a"], ["--split", "0", "127.0.0.1:1", "a"],
                          ["--split", "17", "127.0.0.1:1", "a"], ["--if-exists", "ask", "127.0.0.1:1", "a"],
                          ["--limit-rate", "fast", "127.0.0.1:1", "a"], ["--progress", "loud", "127.0.0.1:1", "a"],
                          ["--timeout", "soon", "127.0.0.1:1", "a"], ["127.0.0.1:1", "../a"], ["127.0.0.1:1", "/etc/passwd"],
                          ["--nonsense", "127.0.0.1:1", "a"], ["127.0.0.1:port", "a"]):
            with self.subTest(arguments=arguments):
                self.assert_failed(self.get(*arguments), 2)

    def test_nobody_there(self):
        self.assert_failed(self.get("--retry", "0", f"127.0.0.1:{unused_port()}", "file"), 7)
        self.assert_failed(self.get("--retry", "0", "no-such-host.invalid:1", "file"), 6)
        with deaf_port() as port:
            self.assert_failed(self.get("--retry", "0", "--connect-timeout", "300ms", f"127.0.0.1:{port}", "file"), 28)

    def test_a_service_that_is_not_there(self):
        self.write("file", b"content")
        self.serve()
        self.assert_failed(self.get("--service", "other", self.address(), "file"), 1)
        self.assert_fetched(self.get("--service", "file", self.address(), "file"), {"file": b"content"})

    def test_stdout_that_takes_nothing(self):
        self.write("file", some_bytes(3 * MIB))
        self.serve()
        with open("/dev/full", "wb") as full:
            process = self.start("-o", "-", self.address(), "file", stdout=full)
        self.assert_failed(self.finish(process), 23)


if __name__ == "__main__":
    main()
