"""What the daemons of a module were seen to count and to say, written down for test_every_reason.py when the module ends. The
folder is given by the environment; without it nothing is written."""
import atexit
import os
import pathlib
import sys

FOLDER = os.environ.get("FAIRLEAD_SEEN_DIR")

_counted = set()  # fields of `counters` that were not 0, close reasons among them; the reasons of sessions
_codes = set()    # numbers of close reasons in frames


def note_event(event):
    if event["event"] == "counters":
        _counted.update(name for name, value in event.items() if isinstance(value, int) and value > 0)
    elif event["event"] == "session":
        _counted.add(event["reason"])


def note_code(number):
    _codes.add(number)


def _write_down():
    folder = pathlib.Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    words = sorted(_counted) + [str(code) for code in sorted(_codes)]
    (folder / pathlib.Path(sys.argv[0]).stem).write_text("".join(word + "\n" for word in words))


if FOLDER:
    atexit.register(_write_down)
