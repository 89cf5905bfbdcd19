"""A process of clients, so that many of them do not wait for one interpreter: it and the test go forward step by step."""
import multiprocessing
import traceback

from .waiting import DEADLINE


def _run(work, arguments, pipe):
    try:
        work(*arguments, pipe)
    except BaseException:
        pipe.send(AssertionError(traceback.format_exc()))


class Worker:
    """Runs work(*arguments, pipe) in a process of its own, killed at the end. What fails there fails the next hear()."""

    def __init__(self, work, *arguments):
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(work, arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def has_spoken(self, wait=0):
        """Whether it has said something more, or has within `wait` seconds."""
        return self._pipe.poll(wait)

    def hear(self, patience=4 * DEADLINE):
        """What it says next."""
        if not self.has_spoken(patience):
            raise AssertionError("a process of clients did not come to its next step in time")
        said = self._pipe.recv()
        if isinstance(said, AssertionError):
            raise said
        return said

    def tell(self, word="go on"):
        self._pipe.send(word)

    def wait_for_end(self):
        """Until it has ended by itself."""
        self._process.join(2 * DEADLINE)
        if self._process.exitcode != 0:
            raise AssertionError(f"a process of clients ended with {self._process.exitcode}")
