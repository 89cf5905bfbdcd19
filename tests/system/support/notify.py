"""A service manager as sd_notify(3) sees it: the socket that its services tell of themselves."""
import socket
import struct
import time

from .waiting import DEADLINE


class NotifySocket:
    """A context manager. `name`: a path, or `@` and a name of the abstract namespace."""

    def __init__(self, name):
        self.environment = {"NOTIFY_SOCKET": name}
        self.messages = []  # (seconds, dictionary) each
        self.sent_by = []  # the process of each
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def read(self, timeout):
        """The next message as a dictionary; None if none comes within so many seconds."""
        self._socket.settimeout(timeout)
        try:
            text, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
        except (TimeoutError, BlockingIOError):
            return None
        self.sent_by.append(struct.unpack("3i", ancillary[0][2][:12])[0])
        message = dict(line.split("=", 1) for line in text.decode().splitlines())
        self.messages.append((time.monotonic(), message))
        return message

    @property
    def senders(self):
        return set(self.sent_by)

    def wait_for(self, condition, what, timeout=DEADLINE):
        """The first message from now on for which condition(message) is true."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.read(left)
            if message is not None and condition(message):
                return message
        raise AssertionError(f"waited {timeout:g} s in vain for {what}; heard {self.messages}")

    def wait_for_key(self, key, timeout=DEADLINE):
        return self.wait_for(lambda message: key in message, key, timeout)

    def wait_until(self, condition, what):
        """Until condition() is true of all `messages`."""
        if not condition():
            self.wait_for(lambda _: condition(), what)

    def statuses(self):
        return [message["STATUS"] for _, message in self.messages if "STATUS" in message]
