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

    def hear(self):
        """What it says next."""
        if not self._pipe.poll(4 * DEADLINE):
            raise AssertionError("a process of clients did not come to its next step in time")
        said = self._pipe.recv()
        if isinstance(said, AssertionError):
            raise said
        return said

    def tell(self, word="go on"):
        self._pipe.send(word)
