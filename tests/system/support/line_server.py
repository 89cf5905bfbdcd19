"""An echo of lines that remembers who came and what they sent, and when."""
import collections
import time

from .client import PlainServer
from .echoing import Text

Visit = collections.namedtuple("Visit", "time peer")
Line = collections.namedtuple("Line", "time peer text")  # without its end


class LineServer(PlainServer):
    """A context manager, as PlainServer is. `visits` and `lines` are in the order in which they came; a peer is (ip, port)."""

    def __init__(self):
        super().__init__(self._echo)
        self.visits, self.lines = [], []

    def _echo(self, _, connection):
        peer = connection.getpeername()
        self.visits.append(Visit(time.monotonic(), peer))
        rest = b""
        while data := connection.recv(65536):
            now = time.monotonic()
            messages, rest = Text.take(rest + data)
            self.lines += [Line(now, peer, text) for _, text in messages]
            connection.sendall(b"".join(Text.reply(*message) for message in messages))

    def texts(self):
        return [line.text for line in self.lines]

    def lines_of_connections(self):
        """How many lines each connection has sent."""
        return collections.Counter(line.peer for line in self.lines)

    def arrivals(self):
        """When each line came, in seconds since the first; the threads of connections may pass each other on the way here."""
        times = sorted(line.time for line in self.lines)
        return [at - times[0] for at in times]
