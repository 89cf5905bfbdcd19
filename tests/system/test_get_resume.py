"""fairlead get that goes on where another left off: it believes hashes, not what was written down, and fetches only what is
missing."""
import signal

from support.getting import MIB, GettingTest, sha256, some_bytes
from support.injection import skip_without_strace
from support.relay import CUT, Fault, Relay
from support.runner import main

CONTENT = some_bytes(6 * MIB)
AROUND = 64 << 10  # frames, hashes, and what else travels beside the bytes of the file


class Resuming(GettingTest):
    def setUp(self):
        super().setUp()
        self.write("file", CONTENT)
        self.serve()
        self.part, self.side_car = self.target / "file.part", self.target / "file.part.info"

    def fetch_nearly_all(self):
        """Everything but a part of the last chunk."""
        with Relay(self.daemon.address(), every=[Fault(CUT, len(CONTENT) - MIB // 2)]) as relay:
            self.assert_failed(self.get("--retry", "0", relay.address, "file"), 18)
        self.assertTrue(self.part.exists() and self.side_car.exists())

    def resume(self, *arguments):
        """Fetches the rest; how many bytes the server had to send for it."""
        with Relay(self.daemon.address()) as relay:
            self.assert_fetched(self.get("-q", *arguments, relay.address, "file"), {"file": CONTENT})
        (self.target / "file").unlink()
        return relay.carried

    def lose_middle_third(self):
        with open(self.part, "r+b") as part:
            part.seek(2 * MIB)
            part.write(bytes(2 * MIB))

    def test_only_the_last_chunk(self):
        self.fetch_nearly_all()
        self.assertLessEqual(self.resume(), MIB + AROUND)

    def test_the_middle_third(self):
        for split in "1", "4":
            self.fetch_nearly_all()
            self.lose_middle_third()
            carried = self.resume("--split", split)
            self.assertGreater(carried, 2 * MIB)
            self.assertLessEqual(carried, 3 * MIB + AROUND)

    def test_one_wrong_bit(self):
        self.fetch_nearly_all()
        with open(self.part, "r+b") as part:
            part.seek(MIB + 4711)
            part.write(bytes([CONTENT[MIB + 4711] ^ 1]))
        self.assertLessEqual(self.resume(), 2 * MIB + AROUND)

    def test_whatever_the_side_car_says(self):
        for make in (lambda: None,
                     self.side_car.unlink,
                     lambda: self.side_car.write_bytes(b""),
                     lambda: self.side_car.write_bytes(self.side_car.read_bytes()[:-7]),
                     lambda: self.side_car.write_bytes(b"\xff\0" * 1000),
                     lambda: self.side_car.write_bytes(self.side_car.read_bytes().replace(b"1", b"9")),
                     lambda: self.side_car.write_bytes(b"9" * (4 << 20))):
            self.fetch_nearly_all()
            self.lose_middle_third()
            make()
            self.assertLessEqual(self.resume(), 3 * MIB + AROUND)

    def test_a_part_that_is_gone_or_of_another_size(self):
        def truncate(size):
            with open(self.part, "r+b") as part:
                part.truncate(size)
        for make, most in ((self.part.unlink, 6), (lambda: truncate(0), 6), (lambda: truncate(3 * MIB), 3),
                           (lambda: truncate(3 * MIB + 1), 3), (lambda: truncate(20 * MIB), 1)):
            self.fetch_nearly_all()
            make()
            self.assertLessEqual(self.resume(), most * MIB + AROUND)

    def test_with_other_options(self):
        """What one call has left is another's to go on with."""
        self.fetch_nearly_all()
        carried = self.resume("-O", str(self.target), "--split", "2", "--limit-rate", "100MiB")
        self.assertLessEqual(carried, MIB + AROUND)

    def test_a_whole_part(self):
        """Killed in front of the rename: nothing has to travel but hashes."""
        self.fetch_nearly_all()
        self.part.write_bytes(CONTENT)
        self.assertLessEqual(self.resume(), AROUND)


class Killed(GettingTest):
    """Killed where the file is on its way from the one name to the other: it is not there, or it is whole."""

    def test_at_each_step_of_storing(self):
        skip_without_strace()
        content = self.write("file", some_bytes(MIB + 5))
        self.serve()
        for calls in "pwrite64", "ftruncate", "fsync", "linkat", "?unlink,unlinkat":
            for which in 1, 2, 3:
                with self.subTest(calls=calls, which=which):
                    self.empty_target()
                    process = self.start("-q", self.address(), "file", under=[
                        "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={calls}:signal=KILL:when={which}"])
                    was_killed = self.finish(process).code == -signal.SIGKILL
                    self.assertTrue(was_killed or which > 1, "no such call")
                    if (file := self.target / "file").exists():
                        self.assertEqual(sha256(content), sha256(file.read_bytes()))
                    # Fetches it, or finds it and removes the other name that it may have.
                    self.assertEqual(0, self.get("-q", "--if-exists", "skip", self.address(), "file").code)
                    self.assert_stored({"file": content})


if __name__ == "__main__":
    main()
