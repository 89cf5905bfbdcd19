"""With a tenth of a core, fairlead bench says that its figures are its own and not the server's."""
import contextlib
import os
import subprocess
import sys

from support.bench import BenchTest
from support.cores import CLIENT_CORE, CORES, SERVER_CORE, pinned
from support.runner import main
from support.timed_server import TimedServer

OTHERS = 9  # beside it on its core, each with the same right to it and never at rest
BUSY = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile True: pass"


@contextlib.contextmanager
def crowded(core):
    """That core has OTHERS busy programs, and this process and those that it starts."""
    cores = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        for _ in range(OTHERS):
            program = subprocess.Popen([sys.executable, "-c", BUSY, str(core)], stdout=subprocess.PIPE)
            stack.callback(program.communicate)
            stack.callback(program.kill)
            program.stdout.readline()
        stack.callback(os.sched_setaffinity, 0, cores)
        pinned(core)
        yield


class ATenthOfACore(BenchTest):
    def setUp(self):
        super().setUp()
        if len(CORES) < 2:
            self.skipTest("the server needs a core for itself")

    def check(self, *load):
        with TimedServer(core=SERVER_CORE) as server, crowded(CLIENT_CORE):
            result = self.bench("-c", "20", "-d", "2s", *load, server.address)
        verdict = result.report["verdict"]
        self.assertEqual((98, "INVALID"), (result.code, verdict["belief"]), verdict["reasons"])
        self.assertTrue(result.text.startswith("INVALID, "), result.text)
        return "\n".join(verdict["reasons"])

    def test_a_closed_loop(self):
        self.assertRegex(self.check(), "waited for a core for [0-9.]+ % of the time: others use the processor")

    def test_an_open_loop(self):
        self.check("-r", "60k")


if __name__ == "__main__":
    main()
