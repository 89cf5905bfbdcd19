"""A terminal that a test can type into and look at: tmux, on a socket of its own."""
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from .client import ENVIRONMENT
from .daemon import binary
from .waiting import DEADLINE, wait_for

HAVE_TMUX = shutil.which("tmux") is not None


class Screen:
    """Runs fairlead in a terminal of that size; when it has ended, its exit code is in the last line. `in_shell`: as a
    job of a shell, whose prompt is `shell:`."""

    def __init__(self, *arguments, columns=60, rows=20, environment=None, in_shell=False):
        self._directory = tempfile.TemporaryDirectory(prefix="fairlead-screen-", ignore_cleanup_errors=True)
        self._socket = os.path.join(self._directory.name, "tmux")
        self.state = pathlib.Path((environment or {}).get("XDG_STATE_HOME", self._directory.name + "/state"))
        inside = {**ENVIRONMENT, "XDG_STATE_HOME": str(self.state), "HOME": self._directory.name,
                  **(environment or {})}
        inside.pop("TERM")  # tmux says what it is
        inside.pop("COLUMNS")  # nor may its own server know it
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in inside.items())
        command = " ".join(shlex.quote(word) for word in [binary("fairlead"), *arguments])
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                   f"env -u COLUMNS {variables} PS1='shell:' HISTFILE= bash --norc --noprofile -i" if in_shell else
                   f"env -u COLUMNS {variables} {command}; echo exit=$?; exec cat")
        if in_shell:
            self.wait_for_line("shell:")
            self.type(command)
            self.press("Enter")

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure is not None:
            print(self.text(), flush=True)
        self._tmux("kill-server")
        self._directory.cleanup()

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, *keys):
        self._tmux("send-keys", *keys)

    def paste(self, text):
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer")

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self):
        """What the screen shows, without what is empty at its end."""
        text = self._tmux("capture-pane", "-p")
        return text.rstrip("\n").split("\n")

    def text(self):
        return "\n".join(self.lines())

    def cursor(self):
        x, y = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(x), int(y)

    def wait_for_line(self, line):
        """Until the last line that is shown is this one."""
        self._wait(lambda: self.lines()[-1] == line, f"the last line to be {line!r}")

    def wait_for_text(self, text):
        self._wait(lambda: text in self.text(), repr(text))

    def wait_for_cursor(self, column, line):
        """Until the last line is this one and the cursor is in that column of it."""
        self._wait(lambda: self.lines()[-1] == line and self.cursor() == (column, len(self.lines()) - 1),
                   f"the cursor in column {column} of {line!r}")

    def _wait(self, condition, what):
        try:
            wait_for(condition, what, min(DEADLINE, 20))
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the cursor is at {self.cursor()}, and this is shown:\n{self.text()}") \
                from None

    def _tmux(self, *words):
        environment = {**ENVIRONMENT, "TERM": "xterm"}
        return subprocess.run(["tmux", "-u", "-S", self._socket, *words], check=True, capture_output=True,
                              timeout=DEADLINE, env=environment).stdout.decode("utf-8")
